"""`nas_gym.fit`: from a file, a data frame or arrays to a fitted estimator with its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_gym._clock import Clock
from nas_gym.envs import check_budget
from nas_gym.errors import ConfigError
from nas_gym.estimators.estimator import NASClassifier, NASRegressor
from nas_gym.estimators.given import column_names
from nas_gym.estimators.plan import plan_for, with_folds
from nas_gym.estimators.target_words import target_sentence
from nas_gym.estimators.training import Fitted, fit_task
from nas_gym.explain import explain
from nas_gym.tasks import Task, is_in_memory, loader_of, make_task, save_task, say, unsaid
from nas_gym.traces import RunFolder

if TYPE_CHECKING:
    from nas_agents import Progress

LOGDIR = Path("tensorboard_logs")
SHOWN = 20  # columns that a refusal names
REPORT_SHARE = 0.2
"""Share of the time that is for explanations, at most."""
REPORT_LEAST = 0.05
"""The same where what came before took longer than planned."""
KEPT_SHARE = 0.08
"""Share of the time that is kept for the start of the program and for drawing, which no clock ends."""


def fit(
    data: Any,
    target: Any = None,
    *,
    minutes: float = 5.0,
    small: bool = False,
    seed: int = 0,
    agent: str | None = None,
    budget: int | None = None,
    ensemble: int = 1,
    recipe: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    store: Any = "user",
    report: bool = True,
    on_plan: Callable[[Sequence[str]], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> NASClassifier | NASRegressor:
    """Find a good small network for data, train it, and explain it.

    The space follows from what an example is, the folds from how much data there is. The best networks of
    the search are trained again before one of them is chosen, and the choice is trained on all but the test
    examples, which say how good it is.

    ```python
    found = fit("wine.csv", "quality", minutes=2)
    print(found.test_score_, found.report_)
    found.predict("new.csv")
    ```

    Args:
        data: path of a table, an ``.npz`` file, or a folder or archive of images or signals, or a data set in
            memory: a data frame with the target among its columns, or an array of examples.
        target: name of the target's column, or a list of those of several labels or values; of an array the
            labels or values, one an example or (n, outputs).
        minutes: time for all of it by the clock, above 0.
        small: whether a smaller network may score a point less.
        seed: seed of the search.
        agent: name of the agent; None for the one that does best by our own comparisons.
        budget: networks that the search may train at most; None for as many as the time allows.
        ensemble: networks whose answers are averaged, the best of the search, in one saved network.
        recipe: options of the recipe, see `nas_gym.training.Recipe`; None for one that follows from the data
            and the time.
        folder: folder of the run; None for one under ``tensorboard_logs``.
        store: as of `gym.make("NAS-v0", store=...)`.
        report: whether to explain the search, in `report.html` in the folder. Data in memory are then kept
            there, too, in `task.npz`, so that `nas-gym explain`, `export` and `replay` have them.
        on_plan: called once before the search, with what is predicted and how it will be searched, a sentence
            each.
        on_progress: called a few times a second with how far the search is.
        options: of the task, as ``target_kind="values"`` or ``drop=["id"]``; see `nas_gym.tasks.make_task`.

    Returns:
        A classifier or regressor that is fitted; `NASEstimator.report` gives the path of its report.

    Raises:
        NASGymError: for data or options that do not fit, or a folder that holds another run.
    """
    _check(minutes, budget, agent)
    clock = Clock(minutes)
    with unsaid():  # the medians of one split, which are not those of the folds
        single = _single(data, target, options)
        task, folds, why = with_folds(
            single, lambda count: _with_folds(data, target, options, count), chosen="folds" in options
        )
    if isinstance(task, Task) and task is not data:  # a spec is read again, which says it
        say(task.notes)
    plan = plan_for(
        single,
        minutes,
        folds=folds,
        small=small,
        agent=agent,
        ensemble=ensemble,
        recipe=recipe,
        budget=budget,
    )
    predicted = target_sentence(single, _column(data, target), asked="target_kind" in options)
    if on_plan is not None:
        on_plan([predicted, *plan.reasons])
    place = Path(folder) if folder is not None else LOGDIR / f"fit-{single.name}" / f"seed{seed}"
    fitted = fit_task(task, plan, place, seed=seed, store=store, on_progress=on_progress)
    path = _explained(fitted, report_minutes(clock), seed, store) if report else None
    kind = NASRegressor if single.target.kind == "values" else NASClassifier
    kept = f"the data are kept in {RunFolder(place).task_file}, for the report and later questions"
    in_memory = report and is_in_memory(fitted.task)
    reasons = [
        predicted,
        *plan.reasons,
        *filter(None, (why, *fitted.reasons)),
        *([kept] if in_memory else []),
    ]
    chosen = {name: options[name] for name in ("metric", "class_weight", "test_size") if name in options}
    made = kind(
        **chosen,
        minutes=minutes,
        budget=budget,
        small=small,
        agent=agent,
        ensemble=ensemble,
        recipe=recipe,
        random_state=seed,
    )
    return made.adopt(fitted, path, reasons, *_in_memory(data, target))


def _check(minutes: float, budget: int | None, agent: str | None) -> None:
    """Refuse what no fit can be made with, before anything is read or told."""
    if not 0 < minutes < float("inf"):
        raise ConfigError(f"minutes must be a number above 0, not {minutes!r}")
    if budget is not None:
        check_budget(budget)
    if agent is not None:
        from nas_agents import make_agent

        make_agent(agent)


def _in_memory(data: Any, target: Any) -> tuple[Any, Any]:
    """Return the examples and the labels or values of data in memory; None and None of others."""
    if isinstance(data, Task) or _is_file(data):
        return None, None
    return _parted(data, target) if hasattr(data, "columns") and _are_names(target) else (data, target)


def _parted(data: Any, target: Any) -> tuple[Any, Any]:
    """Return the features and the targets of a data frame, or of a table of Arrow."""
    names = [target] if isinstance(target, str) else list(target)
    columns = column_names(data) or []
    take = data.select if hasattr(data, "column_names") else data.__getitem__
    features = take([name for name in columns if name not in names])
    return features, data[target] if isinstance(target, str) else take(names)


def _column(data: Any, target: Any) -> str:
    """Return what the target is called; "" where it is an array."""
    if isinstance(data, Task) or not _are_names(target):
        return ""
    return target if isinstance(target, str) else ", ".join(target)


def _is_file(data: Any) -> bool:
    return isinstance(data, str | os.PathLike)


def _single(data: Any, target: Any, options: Mapping[str, Any], **more: Any) -> Task:
    """Return the task of data in whatever form it came."""
    if isinstance(data, Task):
        if target is not None or options:
            raise ConfigError("a Task has its target and options already: pass it alone")
        return data
    if _is_file(data):
        return make_task(_file_spec(Path(data), target, options) | more)
    if hasattr(data, "collect"):
        raise ConfigError(
            f"data is a {type(data).__name__}, which holds no rows yet: pass a data frame in memory, of "
            "a lazy one that of collect()"
        )
    if hasattr(data, "columns") and _are_names(target):
        names = [target] if isinstance(target, str) else list(target)
        columns = column_names(data) or []
        lacking = [name for name in names if name not in columns]
        if lacking:
            shown = ", ".join(map(str, columns[:SHOWN])) + (", ..." if len(columns) > SHOWN else "")
            raise ConfigError(f"the data frame has no column {lacking[0]!r}: it has {shown}")
        features, y = _parted(data, target)
        return Task.from_arrays(features, y, name="-".join(names), **options, **more)
    if target is None:
        raise ConfigError("an array of examples needs its labels or values: pass them as the target")
    return Task.from_arrays(data, target, **options, **more)


def _are_names(target: Any) -> bool:
    """Return whether a target is the name of a column, or a list of them."""
    return isinstance(target, str) or (
        isinstance(target, list | tuple) and bool(target) and all(isinstance(name, str) for name in target)
    )


def _with_folds(data: Any, target: Any, options: Mapping[str, Any], folds: int) -> Any:
    """Return the task with folds: of a file as a spec, so that the run can be explained from its folder."""
    if isinstance(data, Task):
        raise ConfigError("a Task is taken as it is: make it with folds")
    if _is_file(data):
        return _file_spec(Path(data), target, options) | {"folds": folds}
    return _single(data, target, options, folds=folds)


def _file_spec(path: Path, target: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    loader = loader_of(path)
    if loader != "csv":
        named = {"target": target} if loader == "folder" and target is not None else {}
        return {"name": loader, "path": str(path), **named, **options}
    if target is None:
        raise ConfigError(f"{path.name} is a table, which needs its target: name the column to be predicted")
    return {"name": "csv", "path": str(path), "target": target, **options}


def report_minutes(clock: Clock) -> float:
    """Return how long the explanations may take after what was done since a clock with a limit was made."""
    assert clock.minutes is not None
    left = (1 - KEPT_SHARE) * clock.minutes - clock.elapsed / 60
    found = max(REPORT_LEAST * clock.minutes, min(REPORT_SHARE * clock.minutes, left))
    return float(f"{found:.2g}")  # the report names it


def _explained(fitted: Fitted, minutes: float, seed: int, store: Any) -> Path | None:
    if is_in_memory(fitted.task):
        save_task(RunFolder(fitted.folder).task_file, fitted.task)
    explanation = explain(fitted.folder, seed=seed, store=store, minutes=minutes)
    return None if explanation.report is None else Path(explanation.report)
