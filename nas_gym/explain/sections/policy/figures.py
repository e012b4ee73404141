"""Figures of what a policy learned: its rules, their faithfulness by size, its change over time."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nas_gym.explain.methods.policies.rules import edits_in_words, shares_of
from nas_gym.explain.methods.policies.snapshots import KINDS, Snapshot
from nas_gym.explain.methods.policies.viper import FAITHFUL, Distillation
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted, percent
from nas_gym.explain.section import Figure
from nas_gym.search_spaces import Edit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

LINE_WIDTH, NARROW_LINE_WIDTH = 78, 44
LINE_HEIGHT = 0.21
INDENT = 3


def kind_colour(kind: str) -> str:
    """Return the colour of a kind of edit."""
    return {"keep": style.neutral(), "add": style.colour(2), "remove": style.colour(1)}.get(
        kind, style.colour(0)
    )


class _Line(NamedTuple):
    """A line of the outline of a tree; a leaf has a kind of edit and a share of visits."""

    depth: int
    text: str
    kind: str = ""
    share: float | None = None


def rules_figure(distilled: Distillation, actions: Sequence[Edit]) -> Figure:
    """Return the tree as an outline, with how often the policy's walks use each leaf."""
    tree = distilled.trees[distilled.shown.leaves]
    lines = _outline(distilled, actions)
    used = max((line for line in lines if line.share is not None), key=lambda line: line.share or 0.0)
    return Figure(
        "tree",
        "The tree of rules, read from the top: follow the line whose condition holds. The bars show the "
        "share of the policy's visits to states where a rule applies; colours are kinds of edits.",
        f"A tree of {counted(tree.leaves, 'rule')}; the one used most ({percent(used.share or 0.0)} of "
        f"visits) is: {used.text.removeprefix('→ ')}.",
        lambda canvas: _draw_outline(canvas, lines),
        (7.4, 0.7 + LINE_HEIGHT * sum(len(_wrapped(line, LINE_WIDTH)) for line in lines)),
        0.7 + LINE_HEIGHT * sum(len(_wrapped(line, NARROW_LINE_WIDTH)) for line in lines),
    )


def _outline(distilled: Distillation, actions: Sequence[Edit]) -> list[_Line]:
    edit_tree = distilled.trees[distilled.shown.leaves]
    tree, questions = edit_tree.tree, distilled.questions.all
    shares = shares_of(edit_tree, distilled.sample.answers, distilled.sample.visits)
    lines: list[_Line] = []
    waiting = [(0, 0, "")]
    while waiting:
        node, depth, condition = waiting.pop()
        if condition:
            lines.append(_Line(depth - 1, f"{condition}:"))
        if node in edit_tree.edits:
            edits = edit_tree.edits[node]
            text = f"→ {edits_in_words([str(actions[edit]) for edit in edits])}"
            lines.append(_Line(depth, text, actions[edits[0]].kind, shares[node]))
            continue
        question = questions[int(tree.question[node])]
        waiting.append((int(tree.no[node]), depth + 1, f"otherwise ({question.no})"))
        waiting.append((int(tree.yes[node]), depth + 1, f"if {question.yes}"))
    return lines


def _wrapped(line: _Line, letters: int) -> list[str]:
    width = letters - INDENT * line.depth - (12 if line.share is not None else 0)
    return textwrap.wrap(line.text, max(24, width), subsequent_indent="   ")


def _draw_outline(canvas: Canvas, lines: list[_Line]) -> None:
    axes = canvas.add_subplot()
    is_narrow = style.is_narrow(canvas)
    letters, size = (NARROW_LINE_WIDTH, 7) if is_narrow else (LINE_WIDTH, 8.5)
    longest = max(line.share or 0.0 for line in lines) or 1.0
    row = 0
    for line in lines:
        texts = _wrapped(line, letters)
        for number, text in enumerate(texts):
            axes.text(
                INDENT * line.depth,
                row + number,
                text,
                fontsize=size,
                va="center",
                color=kind_colour(line.kind) if line.kind else style.ink(),
                fontweight="bold" if line.kind else "normal",
            )
        if line.share is not None:
            axes.barh(
                row,
                10 * line.share / longest * letters / LINE_WIDTH,
                left=letters - 4,
                height=0.6,
                color=kind_colour(line.kind),
            )
            axes.text(
                letters - 5,
                row,
                percent(line.share),
                fontsize=size,
                va="center",
                ha="right",
                color=style.muted(),
            )
        row += len(texts)
    axes.set_xlim(-0.5, letters + 8 * letters / LINE_WIDTH)
    axes.set_ylim(row - 0.4, -0.6)
    axes.axis("off")


def curve_figure(distilled: Distillation) -> Figure:
    """Return faithfulness against the number of leaves, by both weightings, beside the best rule."""
    curve = distilled.curve
    last, rule = curve[-1], distilled.rule
    verdict = (
        "No tree reaches the line of 90% by both: no small tree is faithful."
        if distilled.faithful is None
        else f"Both reach 90% with up to {distilled.faithful.leaves} rules."
    )
    return Figure(
        "faithfulness",
        "How often a tree of so many rules picks an edit as good as the policy's best, in states it was "
        f"not grown on; bands are 95% intervals, squares the best single rule. {verdict}",
        f"Faithful in {percent(curve[0].visited)} of visits ({percent(curve[0].everywhere)} of states) "
        f"with {curve[0].leaves} rules to {percent(last.visited)} ({percent(last.everywhere)}) with "
        f"{last.leaves}; the best single rule has {percent(rule.visited)} ({percent(rule.everywhere)}).",
        lambda canvas: _draw_curve(canvas, distilled),
        (7.0, 3.6),
    )


def _draw_curve(canvas: Canvas, distilled: Distillation) -> None:
    axes = canvas.add_subplot()
    sizes = [one.leaves for one in distilled.curve]
    lines = (
        ("states the policy visits", 0, [(one.visited, one.visited_interval) for one in distilled.curve]),
        ("all states equally", 1, [(one.everywhere, one.everywhere_interval) for one in distilled.curve]),
    )
    for label, number, points in lines:
        colour = style.colour(number)
        axes.plot(sizes, [value for value, _ in points], "o-", color=colour, label=label)
        axes.fill_between(
            sizes,
            [low for _, (low, _) in points],
            [high for _, (_, high) in points],
            color=colour,
            alpha=0.15,
        )
    axes.plot([1], [distilled.rule.visited], "s", color=style.colour(0))
    axes.plot([1], [distilled.rule.everywhere], "s", color=style.colour(1))
    axes.axhline(FAITHFUL, color=style.muted(), linestyle="--", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks([1, *sizes], ["one\nrule", *map(str, sizes)])
    axes.minorticks_off()
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 1.0], ["0%", "25%", "50%", "75%", "90%", "100%"])
    axes.set_xlabel("rules, at most")
    axes.set_ylabel("as good as the policy's best")
    axes.legend(loc="best")


def over_time_figure(snapshots: Sequence[Snapshot]) -> Figure:
    """Return the kinds of edits at each snapshot, and how often it decides as at the end."""
    last = next((one for one in reversed(snapshots) if one.kinds is not None), None)
    kinds = dict(zip(KINDS, (last.kinds if last and last.kinds else ()), strict=False))
    mix = ", ".join(f"{kind} {percent(share)}" for kind, share in kinds.items())
    return Figure(
        "over_time",
        "The kinds of edits that the policy prefers at each snapshot, in the states that it visits at its "
        "end (hatched: it prefers none yet). The line shows how often it decides as at its end.",
        f"{counted(len(snapshots), 'snapshot')}; at the end the preferred edits are: {mix or 'none'}.",
        lambda canvas: _draw_over_time(canvas, snapshots),
        (7.0, 3.4),
    )


def _draw_over_time(canvas: Canvas, snapshots: Sequence[Snapshot]) -> None:
    axes = canvas.add_subplot()
    places = range(len(snapshots))
    bottom = [0.0] * len(snapshots)
    for number, kind in enumerate(KINDS):
        shares = [one.decided * one.kinds[number] if one.kinds else 0.0 for one in snapshots]
        axes.bar(places, shares, bottom=bottom, width=0.7, color=kind_colour(kind), label=kind)
        bottom = [low + share for low, share in zip(bottom, shares, strict=True)]
    rest = [1 - filled for filled in bottom]
    if max(rest) > 1e-6:
        axes.bar(
            places,
            rest,
            bottom=bottom,
            width=0.7,
            color="none",
            edgecolor=style.muted(),
            hatch="///",
            label="none",
        )
    told = [
        (place, one.agrees_with_last)
        for place, one in enumerate(snapshots)
        if one.agrees_with_last is not None
    ]
    axes.plot(
        [place for place, _ in told],
        [share for _, share in told],
        "o-",
        color=style.ink(),
        markeredgecolor=style.paper(),
        markersize=7,
        label="as at the end",
    )
    axes.set_xticks(list(places), [f"{one.evaluations:,}" for one in snapshots])
    axes.set_yticks([0, 0.5, 1.0], ["0%", "50%", "100%"])
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("distinct evaluations before the snapshot")
    axes.set_ylabel("share of visits")
    columns = 3 if style.is_narrow(canvas) else 6
    canvas.legend(loc="outside upper center", ncols=columns, handlelength=1.2, columnspacing=1.0)
