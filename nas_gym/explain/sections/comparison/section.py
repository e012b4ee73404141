"""Two runs beside each other: what each found, where their policies differ, and whose edits are better."""

from __future__ import annotations

import os
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.explain.evidence.run import Evidence, read_evidence
from nas_gym.explain.section import Explanation, Section
from nas_gym.explain.sections.comparison.choices import compare_choices
from nas_gym.explain.sections.comparison.found import compare_found, compare_tried
from nas_gym.explain.sections.comparison.policies import compare_decisions
from nas_gym.traces import same_data

SUMMARY = ("summary", "Which run did better, and why?")


def compare(
    run_a: str | os.PathLike[str],
    run_b: str | os.PathLike[str],
    *,
    budget: int | None = None,
    seed: int = 0,
    store: Any = "memory",
) -> Explanation:
    """Compare two runs on the same search space and task.

    Args:
        run_a: folder of a run.
        run_b: folder of another.
        budget: number of trainings with fresh seeds at most, to judge edits where no table or function
            answers at once; None for 200.
        seed: seed of every random draw.
        store: store of evaluators that train.

    Raises:
        NASGymError: if a folder holds no run, both are the same, or the runs are of different spaces
            or tasks.
    """
    if os.path.realpath(run_a) == os.path.realpath(run_b):
        raise ConfigError(f"both folders are the run {run_a}: pass two different runs to compare them")
    runs = read_evidence(run_a, store), read_evidence(run_b, store)
    _check(runs)
    names = _names(runs)
    sections = (
        compare_found(runs, names),
        compare_tried(runs, names),
        compare_choices(runs, names, seed),
        compare_decisions(runs, names, seed, budget),
    )
    summary = Section(
        *SUMMARY,
        answer=tuple(section.answer[0] for section in sections),
        trust=sections[0].trust,
        numbers={"runs": [str(run.folder.path) for run in runs], "names": list(names)},
    )
    return Explanation(
        f"{runs[0].folder.path} and {runs[1].folder.path}",
        f"{names[0]} and {names[1]} on {runs[0].problem.task.name} in the space {runs[0].search_space.name}",
        summary,
        sections,
        runs[0].metric,
        {name: dict(run.config["config"]) for name, run in zip(names, runs, strict=True)},
    )


def _check(runs: tuple[Evidence, Evidence]) -> None:
    """Refuse runs that have nothing in common.

    Raises:
        NASGymError: naming what differs.
    """
    one, other = runs
    what = ""
    if one.search_space != other.search_space:
        sizes = [f"{run.search_space.name} of {run.search_space.size:,} architectures" for run in runs]
        what = f"search spaces, {sizes[0]} and {sizes[1]}"
    elif not same_data(one.config, other.config):
        what = f"data, those of {one.problem.task.name} and of {other.problem.task.name}"
    if what:
        raise ConfigError(
            f"the runs {one.folder.path} and {other.folder.path} are of different {what}: compare runs on "
            "the same"
        )
    for run in runs:
        if not run.succeeded:
            raise ConfigError(
                f"in the run {run.folder.path} every evaluation failed: there is nothing to compare"
            )


def _names(runs: tuple[Evidence, Evidence]) -> tuple[str, str]:
    """Return the names of the agents, with letters where they are the same."""
    first, second = (str(run.config["agent"]) for run in runs)
    return (first, second) if first != second else (f"{first} (A)", f"{second} (B)")
