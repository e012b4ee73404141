"""The searches of a plan: one, or one of each kind of network, of which the better is kept at the top."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_gym._files import write_text
from nas_gym.estimators.comparison import Search, compared
from nas_gym.estimators.plan import Plan
from nas_gym.tasks import Task
from nas_gym.traces import RunFolder

if TYPE_CHECKING:
    from nas_agents import Progress, RunSpec


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

    Raises:
        NASGymError: as `nas_agents.run`; or for a folder that holds files of something else.
    """
    shared = {"seed": seed, "store": store, "trace": trace}
    if plan.before is None:
        return [_search(task, plan, folder, on_progress=on_progress, **shared)]
    _check_free(folder, (plan.before.kind, plan.kind))
    told = _Total(on_progress) if on_progress is not None else None
    before = _search(task, plan.before, _place(folder, plan.before.kind), on_progress=told, **shared)
    if told is not None:
        told.begin_another(before)
    search = _search(task, plan, _place(folder, plan.kind), on_progress=told, **shared)
    found = compared(before, search, plan.margin)
    chosen, other = found.searches
    _settle(folder, chosen.plan.kind)
    result = {**chosen.result, "kinds": found.as_dict()}
    if chosen.result != result:
        write_text(RunFolder(folder).result_file, json.dumps(result) + "\n")
    return [replace(chosen, result=result), other]


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
    single = replace(spec, budget={"evaluations": 1})
    # A run is known by its minutes only where they limit its finalists, too.
    if plan.budget is None and _is_recorded(single, folder):
        spec = single
    try:
        result = run(spec, on_progress, keep_network=trace)
    except NoEvaluationError:  # in so little time one network is better than none
        result = run(single, on_progress, keep_network=trace)
    return Search(plan, options, result)


def _is_recorded(spec: RunSpec, folder: Path) -> bool:
    """Return whether a folder holds a run of this budget."""
    run = RunFolder(folder)
    return run.config_file.is_file() and run.config()["config"].get("budget") == spec.budget


class _Total:
    """Progress of searches one after another as of a single one."""

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self._on_progress = on_progress
        self._before: Progress | None = None
        self._last: Progress | None = None

    def begin_another(self, search: Search) -> None:
        """Count what comes on top of a search, also of one that was finished already and so told nothing."""
        self._before = self._last or _progress_of(search.result)

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


def _progress_of(result: Mapping[str, Any]) -> Progress:
    """Return the progress of a finished search that takes no time now."""
    from nas_agents import Progress

    scores = [one["score"] for one in result["evaluations"] if not one["error"] and one["fidelity"] is None]
    return Progress(sum(result["shares"]), result["seconds"], 0.0, max(scores, default=None))


def _check_free(folder: Path, kinds: Iterable[str]) -> None:
    """Check that a folder without runs has no files that those of a run would replace, see `_settle`.

    Raises:
        NASGymError: naming one that it has.
    """
    places = [RunFolder(folder), *(RunFolder(folder / kind) for kind in kinds)]
    if not any(one.config_file.is_file() for one in places):
        places[0].check_free()


def _place(folder: Path, kind: str) -> Path:
    """Return where the run of a kind is: below the folder until another one is chosen, at last in it."""
    below = folder / kind
    return folder if RunFolder(folder).config_file.is_file() and not below.exists() else below


def _settle(folder: Path, kind: str) -> None:
    """Move the chosen run up into the folder.

    Its result goes first and its config last: where this is interrupted, the run counts as unfinished and is
    made again below the folder, which the store makes cheap.
    """
    run = RunFolder(folder / kind)
    if not run.path.exists():
        return
    files = sorted(run.path.iterdir(), key=lambda path: (path != run.result_file, path == run.config_file))
    for path in files:
        target = folder / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
    run.path.rmdir()
