"""What agents carry from one task of a comparison to another, each task left out in turn.

An agent that learns before it searches is compared with those that start from nothing on what it has not
seen: on each task its searches start from what it learned on the runs that the other agents made on the other
tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas_agents.registry import make_agent
from nas_agents.runs.run import label
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents.comparison.plan import Experiment, Plan

FOLDER = "carried"
FINISHED = "result.json"


def check_leave_one_out(plan: Plan) -> None:
    """Check that there is something to carry, and something to learn it from.

    Raises:
        NASGymError: if not.
    """
    carrying = [make_agent(agent).carries for agent in plan.agents]
    if len(plan.tasks) < 2:
        raise ConfigError(
            "leave-one-out learns for each task from the runs of the others: name at least 2 tasks"
        )
    if not any(carrying):
        raise ConfigError(
            "leave-one-out is of agents that carry something from one search to the next, and none of these "
            "does: name one, such as pretrained"
        )
    if all(carrying):
        raise ConfigError(
            "leave-one-out learns from the runs of agents that start from nothing: name one, such as random"
        )


def start_files(plan: Plan, folder: Path) -> dict[str, str]:
    """Return the file that the searches of each carrying agent start from, by label."""
    if not plan.leave_one_out:
        return {}
    carrying = [agent for agent in plan.agents if make_agent(agent).carries]
    return {label(agent): str(folder / FOLDER / f"{label(agent)}.npz") for agent in carrying}


def carry(experiments: Sequence[Experiment]) -> None:
    """Let agents learn for each task from the finished runs of the others, where they have not yet.

    Raises:
        NASGymError: if those runs have too little to learn from.
    """
    for experiment in experiments:
        waiting = {
            spec.start: spec
            for spec, done in zip(experiment.specs, experiment.finished, strict=True)
            if spec.start is not None and not done
        }
        for start, spec in waiting.items():
            file = Path(str(start))
            # Its provenance is written last.
            if not file.with_suffix(".json").exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                make_agent(spec.agent).learn(_runs_of_others(experiment, experiments), file)


def sentences(experiment: Experiment, experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """Say what the searches of carrying agents started from."""
    others = ", ".join(each.task for each in experiments if each is not experiment)
    return tuple(
        f"{agent} did not start from nothing: it learned on the runs of the other agents on {others} before, "
        f"and on none of {experiment.task} (leave-one-out)."
        for agent in experiment.carried
    )


def _runs_of_others(experiment: Experiment, experiments: Sequence[Experiment]) -> list[Path]:
    folders = [
        Path(spec.folder)
        for each in experiments
        if each is not experiment
        for spec in each.specs
        if spec.start is None
    ]
    return [folder for folder in folders if (folder / FINISHED).exists()]
