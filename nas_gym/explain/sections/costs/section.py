"""What half of a cost would lose, in sentences, the front as a report table, a figure and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.envs import objectives_of
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import compared_range, counted, percent, unsigned
from nas_gym.explain.section import DEFAULTS, Cell, Figure, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.costs.analysis import (
    Half,
    Seen,
    change_for_new,
    counted_costs,
    halves,
    look,
    share_of_front,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KEY, QUESTION = "costs", "What would half the size or latency cost?"
NONE = "The score of this run is of no networks that could be counted, so nothing is known of what they cost."
ALONE = (
    "The search looked at the score alone: one that is paid for small networks, too, may find better ones of "
    "this size (`nas-gym fit --small`, or the environment `NASMultiObjective-v0`). Latency was not measured; "
    "it is where it is one of the objectives."
)
UNITS = {"parameters": "parameters", "flops": "FLOPs", "latency": "ms"}


def explain_costs(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer how much lower the score would be with half of what the chosen network costs.

    Args:
        evidence: evidence of the run.
        settings: not used: nothing is drawn or trained.
    """
    objectives = objectives_of(evidence.problem.reward)
    alone = objectives is None or not any(each.is_cost for each in objectives)
    if alone:
        objectives = counted_costs(evidence)
    if objectives is None:
        return withheld(KEY, QUESTION, NONE, is_applicable=False)
    seen = look(evidence, objectives)
    found, label = halves(evidence, seen, of_table=not alone), evidence.metric.label
    share = None if alone else share_of_front(evidence, seen)
    doubts = [_doubt(evidence, each, seen) if alone else "" for each in found]
    return Section(
        KEY,
        QUESTION,
        tuple(_sentence(each, seen, label) + doubt for each, doubt in zip(found, doubts, strict=True)),
        details=(*_details(evidence, found, share, label), *([ALONE] if alone else [])),
        has_finding=any(each.network is not None for each in found),
        trust=(
            "Scores are those that the search saw, of which the best looks better than it is, the more so "
            "the more networks there are, and a difference of a few validation examples is none."
        ),
        tables=(_table(seen, label),),
        figures=tuple(_figure(seen, column, found[column], label) for column in range(len(seen.costs))),
        numbers={
            "chosen": str(seen.networks[seen.chosen].architecture),
            "halves": [_as_dict(each, seen) for each in found],
            "front": len(seen.front()),
            "share_of_hypervolume": share,
        },
    )


COSTS = Question(KEY, QUESTION, explain_costs, method=QUESTION, free=True)


def amount(name: str, value: float) -> str:
    """Return a cost in words: "12,345 parameters", "1.2 million FLOPs", "0.034 ms"."""
    if name == "latency":
        return f"{value:.3g} {UNITS[name]}"
    if value >= 1e6:
        return f"{value / 1e6:,.3g} million {UNITS[name]}"
    return f"{value:,.0f} {UNITS[name]}"


def _share(score: float) -> str:
    return f"{100 * score:.1f}%"


def _sentence(half: Half, seen: Seen, label: str) -> str:
    name = half.cost.name
    chosen = seen.networks[seen.chosen]
    has = f"the chosen network has {amount(name, 2 * half.limit)}"
    if half.network is None or half.loss is None:
        return f"No network that the search saw has half the {name}: {has}."
    best = seen.networks[half.network]
    column = seen.costs.index(half.cost)
    cost = amount(name, float(seen.values[half.network, column]))
    cheaper = f"`{best.architecture}` has {cost} and {_share(best.score)} {label}"
    if half.loss <= 0:
        return f"Half the {name} would cost nothing: {has}, and {cheaper}, no less than the chosen one's."
    return (
        f"Half the {name} would cost {unsigned(half.loss)} points of {label}: {has} and "
        f"{_share(chosen.score)}, and of {counted(half.within, 'network')} seen with at most "
        f"half of it the best, {cheaper}."
    )


def _doubt(evidence: Evidence, half: Half, seen: Seen) -> str:
    """Return a sentence on how sure a change of the score is; "" where there is none."""
    if half.network is None:
        return ""
    change = change_for_new(evidence, seen, half)
    if change is None:
        return (
            f" How much of that is chance is not known: {evidence.metric.label} is not a share of examples."
        )
    low, high, count = change
    shown = (
        "so that neither is shown to be better" if low <= 0 <= high else "so that chance alone is unlikely"
    )
    return (
        f" A score is counted over {counted(count, 'example')}: for new ones the smaller network is "
        f"{compared_range(low, high)} (95% interval), {shown}."
    )


def _details(evidence: Evidence, found: list[Half], share: float | None, label: str) -> Iterator[str]:
    for half in found:
        if half.known_loss is not None:
            loss = f"{unsigned(half.known_loss)} points of {label}" if half.known_loss > 0 else "nothing"
            yield (
                f"Of all {evidence.search_space.size:,} networks of the table, the best with at most "
                f"{amount(half.cost.name, half.limit)} would cost {loss}."
            )
    if share is not None:
        yield (
            f"The networks seen have {percent(share)} of the hypervolume of the exact front of score and "
            "costs (normalised by ideal and nadir of the front, reference point 1.1)."
        )


def _table(seen: Seen, label: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for number in seen.front():
        one = seen.networks[number]
        values = [
            float(f"{value:.4g}") if value < 1e3 else round(value) for value in seen.values[number].tolist()
        ]
        mark = "chosen" if number == seen.chosen else ""
        rows.append((str(one.architecture), round(one.score, 4), *values, mark))
    heads = [
        f"{each.name} ({UNITS[each.name]})" if each.name == "latency" else each.name for each in seen.costs
    ]
    return Table(
        "front",
        f"The networks seen that no other one is at least as good as in {label} and every cost, cheapest "
        "first.",
        ("network", label, *heads, ""),
        tuple(rows),
    )


def _figure(seen: Seen, column: int, half: Half, label: str) -> Figure:
    cost, values, scores = seen.costs[column], seen.values[:, column], seen.scores
    order = np.lexsort((-scores, values))
    best = np.maximum.accumulate(scores[order])
    leads = np.concatenate([[True], best[1:] > best[:-1]])
    front = order[leads]

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.plot(values, 100 * scores, "o", color=style.neutral(), markersize=3.5, label="seen")
        ends = [*values[front], values.max()]
        heights = [*(100 * scores[front]), 100 * scores[front[-1]]]
        axes.step(ends, heights, where="post", color=style.good(), linewidth=1.6, label="best within a cost")
        axes.axvline(
            half.limit, color=style.muted(), linestyle="--", linewidth=1.0, label="half of the chosen"
        )
        axes.plot(
            values[seen.chosen],
            100 * scores[seen.chosen],
            "D",
            color=style.bad(),
            markersize=7,
            label="chosen",
        )
        if half.network is not None:
            axes.plot(
                values[half.network],
                100 * scores[half.network],
                "s",
                color=style.good(),
                markersize=7,
                label="best within half",
            )
        axes.set_xlabel(f"{cost.name} (ms)" if cost.name == "latency" else cost.name)
        axes.set_ylabel(f"{label} (%)")
        canvas.legend(loc="outside lower left", ncols=style.columns(canvas, 3))

    ends = f"from {amount(cost.name, float(values[front[0]]))} and {_share(scores[front[0]])}"
    last = f"{amount(cost.name, float(values[front[-1]]))} and {_share(scores[front[-1]])}"
    return Figure(
        f"front_{cost.name}",
        f"Every network seen by {cost.name} and {label}, and the best {label} up to each value of it: the "
        "higher the line starts on the left, the less a small network loses.",
        f"The front has {counted(len(front), 'network')}, {ends} to {last}.",
        draw,
        (7.4, 4.2),
        4.6,
    )


def _as_dict(half: Half, seen: Seen) -> dict[str, Any]:
    found = None if half.network is None else seen.networks[half.network]
    return {
        "cost": half.cost.name,
        "limit": half.limit,
        "network": None if found is None else str(found.architecture),
        "score": None if found is None else found.score,
        "loss": half.loss,
        "within": half.within,
        "loss_of_the_best_of_the_table": half.known_loss,
    }
