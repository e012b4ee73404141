"""Markdown tables of a run, for TensorBoard's text tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from nas_gym._markdown import code, escaped
from nas_gym.traces.lines import Ask, Step

ALTERNATIVES = 3


def first_page(metric: str) -> str:
    """Return which tab answers what, for a reader who has just opened a run.

    Args:
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """
    return f"""
| question | where to look |
| --- | --- |
| How good is the best network? | SCALARS, `1_search`: best {metric} so far, by distinct evaluation |
| What did the search cost? | SCALARS, `2_cost`: distinct evaluations, recorded seconds |
| Was it still getting better? | CUSTOM SCALARS: each {metric} with the best so far |
| Would longer training help? | CUSTOM SCALARS, IMAGES `architectures`: learning curves of the best |
| What does the best network look like? | IMAGES `architectures`; GRAPHS: its operations and sizes |
| What was tried, in which order? | TEXT: `episodes`, edit by edit, or `evaluations`; PROJECTOR: \
all networks, coloured by {metric} (yellow is best) |
| What has the agent learned? | IMAGES `policy`; HISTOGRAMS: its preferences over time |
| Which settings gave which result? | HPARAMS: {metric}, evaluations, seconds and parameters at the end |
| Why is the best network good? | TEXT `0_summary`, once `nas-gym explain` was called on the run |

Every {metric} here is of validation examples, which the search chose by. Test {metric} is nowhere here: a \
search that sees it has nothing left to be tested on.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A step with what its table shows beside it.

    Attributes:
        step: the step.
        before: score of the architecture before it, None where it was never evaluated.
    """

    step: Step
    before: float | None


def episode_table(rows: Sequence[Row], actions: Sequence[str], scores: str | None, metric: str) -> str:
    """Return the table of an episode: state, edit, the policy's scores, the networks' before and after.

    Args:
        rows: the steps in order, at least one.
        actions: the edits in words.
        scores: what the policy's scores are; None for an agent without a policy.
        metric: what the score of an architecture is, for readers.
    """
    total, complete = sum(row.step.reward for row in rows), rows[-1].step
    cut = "" if complete.terminated or complete.truncated else ", cut short"
    title = f"Episode {rows[0].step.episode}: return {total:.4f} in {len(rows)} steps{cut}"
    pays_otherwise = any(row.step.reward != row.step.score for row in rows)
    names = ["t", "state", "edit", *_score_names(scores), f"{metric} before → after"]
    cells = [_cells(row, actions, scores) for row in rows]
    if pays_otherwise:
        names.append("reward")
        cells = [[*line, f"{row.step.reward:.4f}"] for line, row in zip(cells, rows, strict=True)]
    return f"**{title}**\n\n" + table(names, cells)


def ask_table(asks: Sequence[Ask], metric: str) -> str:
    """Return the table of architectures that were asked for without a step.

    Args:
        asks: the architectures in order.
        metric: what the score of an architecture is, for readers.
    """
    names = ["batch", "architecture", "epochs", metric, "parameters", "status"]
    cells = [
        [
            str(ask.batch),
            code(ask.architecture),
            "all" if ask.fidelity is None else str(ask.fidelity),
            f"{ask.score:.4f}",
            f"{ask.parameters:,}",
            escaped(ask.error or ask.status),
        ]
        for ask in asks
    ]
    return table(names, cells)


def config_table(config: Mapping[str, Any]) -> str:
    """Return the table of the names and values of a flat config."""
    return table(["name", "value"], [[escaped(name), code(str(value))] for name, value in config.items()])


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped, since they would end the cell."""
    lines = [names, ["---"] * len(names), *([cell.replace("|", "&#124;") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _score_names(scores: str | None) -> list[str]:
    if scores is None:
        return []
    return ["best alternatives (Q-value)" if scores == "q_values" else "best alternatives (probability)"]


def _cells(row: Row, actions: Sequence[str], scores: str | None) -> list[str]:
    step = row.step
    marks = ", illegal, acts as keep" * step.illegal_action + (f", {step.error}" if step.error else "")
    own, others = _scores(step, actions)
    shown = [] if scores is None else [others]
    paid = f"{_number(row.before)} → {_number(step.score)}"
    return [str(step.t), code(step.architecture), f"{escaped(step.edit)}{own}{escaped(marks)}", *shown, paid]


def _scores(step: Step, actions: Sequence[str]) -> tuple[str, str]:
    """Return the score of the action taken, and the best of the others in words."""
    if step.scores is None:
        return "", ""
    scored = list(zip(step.mask, [nan if score is None else score for score in step.scores], strict=True))
    own = next((score for action, score in scored if action == step.action), nan)
    others = [each for each in scored if each[0] != step.action]
    best = sorted(others, key=lambda each: (isnan(each[1]), -each[1]))[:ALTERNATIVES]
    words = [f"{escaped(actions[action])} ({score:.4f})" for action, score in best]
    return "" if isnan(own) else f" ({own:.4f})", "; ".join(words)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
