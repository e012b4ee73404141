"""The searches of a plan: one, or one of each kind of network, of which the better is kept at the top."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._files import write_text
from nas_gym.estimators.plan import Plan
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from nas_agents import Progress

RESULT, CONFIG = "result.json", "config.json"


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        plan: how it searched.
        options: keyword arguments of its environment.
        result: what it gave, see `nas_agents.run`.
        level: mean validation score of its network over the trainings that searches are compared by; None
            of a single search.
    """

    plan: Plan
    options: Mapping[str, Any]
    result: Mapping[str, Any]
    level: float | None = None


def searches_of(
    task: Mapping[str, Any] | Task,
    plan: Plan,
    folder: Path,
    *,
    seed: int,
    store: Any,
    on_progress: Callable[[Progress], None] | None,
    trace: bool,
) -> list[Search]:
    """Make the searches of a plan, the one with the chosen network first.

    A single search is a run in the folder. Of two kinds of network the chosen run lies in the folder, too,
    and the other in one below it, named by its kind.

    Args:
        task: spec of the data, or the task itself.
        plan: how to search.
        folder: where it is recorded.
        seed: seed of the agents.
        store: place where trainings are kept.
        on_progress: told how far all of it is.
        trace: whether all is recorded that an explanation needs.
    """
    shared = {"seed": seed, "store": store, "trace": trace}
    if plan.before is None:
        return [_search(task, plan, folder, on_progress=on_progress, **shared)]
    told = _Total(on_progress) if on_progress is not None else None
    made = []
    for one in (plan.before, plan):
        made.append(_search(task, one, _place(folder, one.kind), on_progress=told, **shared))
        if told is not None:
            told.begin_another()
    ordered, trainings = _compared(made, plan.margin)
    chosen = ordered[0]
    _settle(folder, chosen.plan.kind)
    kinds = {
        "chosen": chosen.plan.kind,
        "scores": {one.plan.kind: one.level for one in ordered},
        "trainings": trainings,
        "words": _words(ordered, trainings),
    }
    result = {**chosen.result, "kinds": kinds}
    if chosen.result != result:
        write_text(folder / RESULT, json.dumps(result) + "\n")
    return [replace(chosen, result=result), *ordered[1:]]


def _search(
    task: Mapping[str, Any] | Task,
    plan: Plan,
    folder: Path,
    *,
    seed: int,
    store: Any,
    on_progress: Callable[[Progress], None] | None,
    trace: bool,
) -> Search:
    """Make the search of a plan, without the one before it."""
    from nas_agents import NoEvaluationError, RunSpec, run

    evaluator: dict[str, Any] = {"name": "train", "recipe": dict(plan.recipe)}
    if plan.seeds is not None:
        evaluator["seeds"] = list(plan.seeds)
    options = {
        "task": task,
        "search_space": dict(plan.search_space),
        "evaluator": evaluator,
        "store": store,
    }
    limits: dict[str, float] = {"minutes": plan.minutes}
    spec = RunSpec(
        plan.agent,
        limits if plan.budget is None else limits | {"evaluations": plan.budget},
        str(folder),
        seed,
        env=options,
        finalists=plan.finalists,
        margin=plan.margin,
        trace=trace,
        finalist_seconds=plan.finalist_seconds if plan.budget is None else None,
    )
    try:
        result = run(spec, on_progress, keep_network=trace)
    except NoEvaluationError:  # in so little time one network is better than none
        result = run(replace(spec, budget={"evaluations": 1}), on_progress, keep_network=trace)
    return Search(plan, options, result)


class _Total:
    """Progress of searches one after another as of a single one."""

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self._on_progress = on_progress
        self._before: Progress | None = None
        self._last: Progress | None = None

    def begin_another(self) -> None:
        """Count what comes on top of what was told so far."""
        self._before = self._last

    def __call__(self, at: Progress) -> None:
        before = self._before
        if before is not None:
            known = [best for best in (before.best, at.best) if best is not None]
            at = replace(
                at,
                evaluations=before.evaluations + at.evaluations,
                seconds=before.seconds + at.seconds,
                clock=before.clock + at.clock,
                best=max(known, default=None),
            )
        self._last = at
        self._on_progress(at)


def _compared(made: list[Search], margin: float) -> tuple[list[Search], int]:
    """Return searches with their levels, the chosen one first, and the trainings that tell.

    These are by the seeds that no search saw and that the networks of both were trained with: those of the
    finalists, and those of the final score. So the smaller network is chosen where the other is not better by
    more than one standard error, or the margin, as among finalists.
    """
    from nas_agents import best_choice

    scores = [_unseen(one.result) for one in made]
    seeds = sorted(set(scores[0]).intersection(*scores[1:]))
    values = np.array([[each[seed] for seed in seeds] for each in scores])
    made = [replace(one, level=level) for one, level in zip(made, values.mean(axis=1).tolist(), strict=True)]
    chosen = best_choice(values, [_parameters(one.result) for one in made], margin)
    return [made[chosen], *(one for number, one in enumerate(made) if number != chosen)], len(seeds)


def _unseen(result: Mapping[str, Any]) -> dict[int, float]:
    """Return the validation scores of a chosen network by training seeds that the search did not use."""
    scores = {one["seed"]: one["validation_score"] for one in result["final"]}
    for one in result.get("finalists", ())[:1]:
        scores |= dict(zip(one["seeds"], one["scores"], strict=True))
    return scores


def _parameters(result: Mapping[str, Any]) -> int:
    found: int = next(
        one["parameters"] for one in result["evaluations"] if one["architecture"] == result["architecture"]
    )
    return found


def _words(ordered: list[Search], trainings: int) -> str:
    """Return in a sentence what each kind of network reached."""
    chosen, other = ordered
    return (
        f"{chosen.plan.kind} and {other.plan.kind} were both searched: the best {chosen.plan.kind} reach "
        f"{chosen.level:.3f}, the best {other.plan.kind} {other.level:.3f} on validation examples, means of "
        f"{trainings} trainings that neither search saw; {chosen.plan.kind} were chosen"
        + (", the smaller network of two that are about as good" if _is_lower(chosen, other) else "")
    )


def _is_lower(chosen: Search, other: Search) -> bool:
    return (chosen.level or 0.0) < (other.level or 0.0)


def _place(folder: Path, kind: str) -> Path:
    """Return where the run of a kind is: below the folder until another one is chosen, at last in it."""
    below = folder / kind
    return folder if (folder / CONFIG).is_file() and not below.exists() else below


def _settle(folder: Path, kind: str) -> None:
    """Move the chosen run up into the folder.

    Its result goes first and its config last: where this is interrupted, the run counts as unfinished and is
    made again below the folder, which the store makes cheap.
    """
    below = folder / kind
    if not below.exists():
        return
    for path in sorted(below.iterdir(), key=lambda path: (path.name != RESULT, path.name == CONFIG)):
        target = folder / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
    below.rmdir()
