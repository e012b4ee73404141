"""A comparison from its plan to its files: every run in a worker process, then the reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from nas_agents import make_agent
from nas_agents.comparison.pool import Failure, run_jobs
from nas_agents.comparison.progress import Tally, bar
from nas_agents.runs.run import RunSpec, experiment_folder, folder_of, label, make_env, run
from nas_gym._checks import plain
from nas_gym._files import writing
from nas_gym._lock import held
from nas_gym.errors import NASGymError

if TYPE_CHECKING:
    import gymnasium as gym
    from rich.console import Console

    from nas_gym.envs import Budget


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        agents: names, or dicts with ``"name"`` and hyperparameters; at least 2 different ones.
        seeds: runs per agent and task, with the agent seeds 0, 1, ...
        budget: of each run: evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost.
        tasks: at least one; ``None`` is the environment's default.
        env_id: id of the environment.
        env: keyword arguments of the environment other than the task.
        logdir: where everything is written.
        name: of the variant, None for none.
        jobs: worker processes.
        trace: whether every run is recorded, or only its result kept; None records them unless the
            optimum is known: on a table runs are cheap, many, and repeated at will.
    """

    agents: Sequence[str | Mapping[str, Any]]
    seeds: int
    budget: Budget
    tasks: Sequence[Any] = (None,)
    env_id: str = "NAS-v0"
    env: Mapping[str, Any] = field(default_factory=dict)
    logdir: str = "tensorboard_logs"
    name: str | None = None
    jobs: int = 1
    trace: bool | None = None

    def __post_init__(self) -> None:
        for name in ("agents", "seeds", "budget", "tasks", "jobs"):
            object.__setattr__(self, name, plain(getattr(self, name)))


@dataclass(frozen=True)
class Experiment:
    """One task of a comparison.

    Attributes:
        folder: of the task's runs and report.
        space: name of the search space.
        task: name of the task.
        specs: every run, seed by seed, so that an interrupted comparison has all agents alike.
        finished: whether each of the runs was finished before.
        tuned: labels of the agents that were tuned on the table that they run on.
        selects_on_test: whether the accuracies that the searches see are test accuracies.
    """

    folder: Path
    space: str
    task: str
    specs: tuple[RunSpec, ...]
    finished: tuple[bool, ...]
    tuned: tuple[str, ...] = ()
    selects_on_test: bool = False


def prepare(plan: Plan) -> list[Experiment]:
    """The runs of a plan, checked before any of them starts.

    Raises:
        NASGymError: for a plan that does not fit, or a folder that holds a run of another config.
    """
    from nas_gym.envs import check_budget

    check_budget(plan.budget)
    for what, number in (("--seeds", plan.seeds), ("--jobs", plan.jobs)):
        if number < 1:
            raise NASGymError(f"{what} must be at least 1, not {number}")
    for agent in plan.agents:
        make_agent(agent)
    labels = [label(agent) for agent in plan.agents]
    repeated = next((name for name in labels if labels.count(name) > 1), None)
    if repeated is not None:
        raise NASGymError(f"agent {repeated!r} is named twice: name each once, or set other hyperparameters")
    if len(labels) < 2:
        raise NASGymError(f"a comparison needs at least 2 agents, here are {len(labels)}: name others too")
    experiments = [_experiment(plan, task) for task in plan.tasks]
    folders = [experiment.folder for experiment in experiments]
    if len(set(folders)) < len(folders):
        raise NASGymError("two of the tasks have the same name, and so the same folder: rename one of them")
    return experiments


@contextmanager
def undisturbed(experiments: Sequence[Experiment]) -> Iterator[None]:
    """Keep other comparisons out of the folders of these, which would write the same runs and reports.

    Raises:
        NASGymError: if another is under way in one of them, or it cannot be written.
    """
    with ExitStack() as stack:
        for experiment in experiments:
            busy = (
                f"another comparison is under way in {experiment.folder}: wait for it, or give this one "
                "another --name or --logdir"
            )
            with writing(experiment.folder):
                experiment.folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(experiment.folder / "comparison.lock", busy))
        yield


def execute(experiments: Sequence[Experiment], jobs: int, console: Console) -> list[tuple[RunSpec, Failure]]:
    """Run what is not finished, in worker processes, with a progress bar; the failed runs come back."""
    specs = [spec for experiment in experiments for spec in experiment.specs]
    finished = [done for experiment in experiments for done in experiment.finished]
    waiting = [spec for spec, done in zip(specs, finished, strict=True) if not done]
    # While workers run, this process waits: time to import what reports need (SciPy and Matplotlib).
    Thread(target=import_module, args=("nas_agents.comparison.publish",), daemon=True).start()
    with bar(console) as progress:
        tally = Tally(progress, len(specs), sum(finished), specs[0].budget)
        failures = run_jobs(run, waiting, jobs, tally.report)
    return [(waiting[failure.job], failure) for failure in failures]


def _experiment(plan: Plan, task: Any) -> Experiment:
    from nas_gym.evaluators import TableEvaluator

    options = dict(plan.env) if task is None else {**plan.env, "task": task}
    with closing(make_env(plan.env_id, options)) as env:
        unwrapped: Any = env.unwrapped
        folder = experiment_folder(plan.logdir, env, plan.name)
        trace = unwrapped.evaluator.optimum() is None if plan.trace is None else plan.trace
        around = {label(agent): _fingerprints(env, agent) for agent in plan.agents}
        specs = tuple(
            RunSpec(
                agent=agent,
                budget=plan.budget,
                folder=str(folder / label(agent) / f"seed{seed}"),
                seed=seed,
                env_id=plan.env_id,
                env=options,
                trace=trace,
                surroundings=around[label(agent)],
            )
            for seed in range(plan.seeds)
            for agent in plan.agents
        )
        finished = tuple(folder_of(spec, env).is_finished for spec in specs)
        evaluator = unwrapped.evaluator
        table = evaluator.table.name if isinstance(evaluator, TableEvaluator) else None
        return Experiment(
            folder=folder,
            space=unwrapped.search_space.name,
            task=unwrapped.task.name,
            specs=specs,
            finished=finished,
            tuned=tuple(label(agent) for agent in plan.agents if table in make_agent(agent).tuned_on),
            selects_on_test=evaluator.selects_on_test,
        )


def _fingerprints(env: gym.Env[Any, Any], agent: str | Mapping[str, Any]) -> dict[str, Any]:
    """Of the data and the code that every run of an agent has to find."""
    from nas_gym.traces import run_config

    made = make_agent(agent)
    fingerprints: dict[str, Any] = run_config(env, made.name, {}, made)["fingerprints"]
    return fingerprints
