"""How a search on shared weights decided, in sentences, a report table, figures and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted, percent
from nas_gym.explain.section import DEFAULTS, Cell, Figure, Question, Section, Settings, Table
from nas_gym.explain.sections.shared_weights import without
from nas_gym.explain.sections.shared_weights.readings import Reading, leading, of_other_seeds, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KEY, QUESTION = "shared_weights", "How did the weights of the candidates decide?"
FIRM = 0.1
"""Lead of a candidate over the second, as a weight, below which a place counts as open."""


def explain_shared_weights(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer when each place was decided, how firmly, and whether the search collapsed.

    Args:
        evidence: evidence of the run, whose folder holds readings.
        settings: not used: nothing is drawn or trained.
    """
    readings = read(evidence.folder)
    last, label = readings[-1], evidence.metric.label
    warned = [reading for reading in readings if reading["warning"]]
    others, unread = of_other_seeds(evidence.folder)
    names = without.candidate_names(last, evidence.search_space)
    # Runs of earlier versions did not ask what is lost without a candidate.
    asked = last.get("without") is not None
    return Section(
        KEY,
        QUESTION,
        (
            *_answer(readings, label),
            *(without.answer(last, names, label) if asked else ()),
            *_over_seeds(last, others, unread),
        ),
        details=tuple(_details(readings, label)),
        trust=(
            "The weights say what the shared weights favour, not what trains best alone: the choice of this "
            "run was trained alone once, and another seed of the search may choose otherwise. What is lost "
            "without a candidate is measured by the weights as they are, and without training them anew."
        ),
        tables=(
            _table(last, names, others, asked=asked),
            *([without.table(last, names, label)] if asked else []),
        ),
        figures=(_figure(readings, label), *([without.figure(last, names, label)] if asked else [])),
        numbers={
            "readings": list(readings),
            "warnings": len(warned),
            "other_seeds": len(others),
            "same_in_other_seeds": _same_choices(last, others),
        },
    )


SHARED_WEIGHTS = Question(KEY, QUESTION, explain_shared_weights, method=QUESTION)


def _answer(readings: Sequence[Reading], label: str) -> Iterator[str]:
    last, warned = readings[-1], [reading for reading in readings if reading["warning"]]
    if warned:
        first = warned[0]
        end = (
            "It ended at a collapsed choice"
            if last.get("degenerate")
            else "It did not end at a collapsed choice"
        )
        yield (
            f"Something went wrong after epoch {first['epoch']}, {percent(first['share'])} of the search. "
            f"{first['warning']} {end}; {len(warned)} of {counted(len(readings), 'reading')} warned."
        )
    elif last["free_weight"] is None:
        yield "In no place could a candidate without weights win over one with weights: none could collapse."
    else:
        yield "No sign of a collapse towards candidates without weights was seen."
    places = last["decided"]
    still_open = [name for name, (_, lead) in places.items() if lead < FIRM]
    if still_open:
        yield (
            f"Of {counted(len(places), 'place')} {len(still_open)} stayed open, where the first candidate "
            f"leads by less than {FIRM:g} of the weight: {', '.join(still_open)}."
        )
    else:
        yield f"All {counted(len(places), 'place')} were decided, each by at least {FIRM:g} of the weight."
    yield (
        f"The mixture had {_percent(last['mixture_score'])} validation {label}, the choice by the same "
        f"weights {_percent(last['choice_score'])}: {_gap(last['gap'])}."
    )


def _gap(gap: float) -> str:
    if gap <= 0:
        return "nothing was lost by choosing"
    return f"{100 * gap:.1f} points were lost by choosing, which training alone may win back"


def _details(readings: Sequence[Reading], label: str) -> Iterator[str]:
    first, last = readings[0], readings[-1]
    yield (
        f"Mean entropy of the weights, of 1: {first['entropy']:.2f} at the first of "
        f"{counted(len(readings), 'reading')}, {last['entropy']:.2f} at the last."
    )
    of_choice = f"of the choice {counted(last['skips'], 'skip')} and {counted(last['zeros'], 'zero')}"
    if last["free_weight"] is None:
        yield f"Candidates without weights: {of_choice}."
    else:
        yield (
            f"Candidates without weights had {_percent(first['free_weight'])} of the weight first and "
            f"{_percent(last['free_weight'])} last; {of_choice}."
        )
    curved = [reading["eigenvalue"] for reading in readings if reading["eigenvalue"] is not None]
    if curved:
        yield (
            f"Largest eigenvalue of the Hessian of the validation loss: {curved[0]:.3g} first, "
            f"{curved[-1]:.3g} last, at most {max(curved):.3g}."
        )


def _over_seeds(last: Reading, others: Sequence[Reading], unread: int) -> Iterator[str]:
    if unread:
        yield f"{counted(unread, 'run')} beside this one could not be read."
    if not others:
        yield (
            "Whether another seed would choose the same is not known: no other run of this search lies "
            "beside this one."
        )
        return
    same = _same_choices(last, others)
    whole = sum(leading(other) == leading(last) for other in others)
    steady = [name for name, count in same.items() if count == len(others)]
    yield (
        f"Of {counted(len(others), 'other seed')} of this search {whole} made the same choice throughout; "
        f"{len(steady)} of {counted(len(same), 'place')} went the same way in all of them"
        f"{': ' + ', '.join(steady) if steady else ''}."
    )


def _same_choices(last: Reading, others: Sequence[Reading]) -> dict[str, int]:
    """Return in how many other seeds each place has the same choice."""
    return {
        name: sum(leading(other).get(name) == choice for other in others)
        for name, choice in leading(last).items()
    }


def _table(
    last: Reading, names: Mapping[str, Sequence[str]], others: Sequence[Reading], *, asked: bool
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    same = _same_choices(last, others)
    for name, best in leading(last).items():
        since, lead = last["decided"][name]
        row: tuple[Cell, ...] = (name, names[name][best], round(last["weights"][name][best], 3))
        row = (*row, round(lead, 3), since)
        row += without.columns(last, name, names[name]) if asked else ()
        rows.append((*row, f"{same[name]} of {len(others)}") if others else row)
    return Table(
        "decisions",
        "What each place was decided for: the weight of its candidate, the lead over the second, and the "
        "epoch since which it led"
        + ("; what the mixture loses without it, and without the candidate that it misses most" * asked)
        + ("; and how many other seeds chose the same" * bool(others))
        + ".",
        (
            *("place", "chosen", "weight", "lead", "since epoch"),
            *(without.HEADS if asked else ()),
            *(("other seeds that agree",) if others else ()),
        ),
        tuple(rows),
    )


def _figure(readings: Sequence[Reading], label: str) -> Figure:
    epochs = [reading["epoch"] for reading in readings]
    names = list(readings[0]["weights"])

    def draw(canvas: Canvas) -> None:
        above, below = canvas.subplots(2, 1, sharex=True)
        for place, name in enumerate(names):
            leading = [max(reading["weights"][name]) for reading in readings]
            above.plot(epochs, leading, color=style.colour(place), linewidth=1.4, label=name)
        above.set_ylabel("largest weight")
        for name, words, line in (("mixture_score", "mixture", "-"), ("choice_score", "choice", "--")):
            scores = [100 * reading[name] for reading in readings]
            below.plot(epochs, scores, color=style.ink(), linestyle=line, label=words)
        for reading in readings:
            if reading["warning"]:
                below.axvline(reading["epoch"], color=style.bad(), linewidth=0.8, linestyle=":")
        below.set_ylabel(f"{label} (%)")
        below.set_xlabel("epoch")
        canvas.legend(loc="outside lower left", ncols=style.columns(canvas, 4))

    return Figure(
        "decisions",
        f"Above, the weight of the leading candidate of each place; below, the validation {label} of the "
        "mixture and of the choice by the same weights, with a dotted line for each warning.",
        f"{counted(len(names), 'place')} over {counted(len(readings), 'reading')}.",
        draw,
        (7.4, 4.6),
        5.2,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
