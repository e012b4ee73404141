"""A comparison from its plan to its files: every run in a worker process, then the reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from nas_agents.comparison.progress import OnProgress, Tally
from nas_agents.registry import make_agent
from nas_agents.runs.pool import Failure, cores, run_jobs
from nas_agents.runs.run import (
    EnvFactory,
    RunSpec,
    environment_name,
    experiment_folder,
    folder_of,
    label,
    make_env,
    run,
)
from nas_agents.runs.spread import spread_runs
from nas_gym.common import held, plain, writing
from nas_gym.errors import ConfigError, unknown
from nas_gym.executors import Executor, make_executor

if TYPE_CHECKING:
    import gymnasium as gym

    from nas_agents.comparison.outcome import Comparison
    from nas_gym.envs import Budget


TENSORBOARD = ("all", "aggregate", "none")
# TensorBoard lists two runs for each; of more than this its list and its charts are of no use any more.
SINGLE_RUNS = 200


@dataclass(frozen=True)
class Plan:
    """A comparison to be made.

    Attributes:
        agents: names, or dicts with ``"name"`` and hyperparameters; at least 2 different ones.
        seeds: runs per agent and task, with the agent seeds 0, 1, ...
        budget: budget of each run: evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost.
        tasks: at least one; ``None`` is the environment's default.
        env_id: id of the environment, or a function that makes one.
        env: keyword arguments of the environment other than the task.
        logdir: where everything is written.
        name: name of the variant, None for none.
        jobs: worker processes; None for one per core.
        executor: what makes the runs in place of worker processes, see `compare`; it changes no result.
        trace: whether every run is recorded, or only its result kept; None records them unless the
            optimum is known: on a table runs are cheap, many, and repeated at will.
        tensorboard: ``"all"`` shows each agent and each run in TensorBoard, ``"aggregate"`` each agent alone,
            ``"none"`` nothing; None shows the runs that are recorded, if the comparison has up to 200.
    """

    agents: Sequence[str | Mapping[str, Any]]
    seeds: int
    budget: Budget
    tasks: Sequence[Any] = (None,)
    env_id: str | EnvFactory = "NAS-v0"
    env: Mapping[str, Any] = field(default_factory=dict)
    logdir: str = "tensorboard_logs"
    name: str | None = None
    jobs: int | None = 1
    trace: bool | None = None
    tensorboard: str | None = None
    executor: str | Mapping[str, Any] | Executor | None = None

    @property
    def runs(self) -> int:
        """Number of runs of all tasks."""
        return len(self.agents) * self.seeds * len(self.tasks)

    @property
    def shows_runs(self) -> bool:
        """Whether runs that are recorded are shown in TensorBoard, each by itself."""
        return self.tensorboard == "all" or (self.tensorboard is None and self.runs <= SINGLE_RUNS)

    def __post_init__(self) -> None:
        for name in ("agents", "seeds", "budget", "tasks", "jobs"):
            object.__setattr__(self, name, plain(getattr(self, name)))


@dataclass(frozen=True)
class Experiment:
    """One task of a comparison.

    Attributes:
        environment: id of the environment.
        folder: folder of the task's runs and report.
        space: name of the search space.
        task: name of the task.
        metric: what a score is called, such as ``"accuracy"``.
        specs: every run, seed by seed, so that an interrupted comparison has all agents alike.
        finished: whether each of the runs was finished before.
        tuned: labels of the agents that were tuned on the table that they run on.
        selects_on_test: whether the scores that the searches see are test scores.
    """

    environment: str
    folder: Path
    space: str
    task: str
    metric: str
    specs: tuple[RunSpec, ...]
    finished: tuple[bool, ...]
    tuned: tuple[str, ...] = ()
    selects_on_test: bool = False


def compare(
    agents: Sequence[str | Mapping[str, Any]],
    env: str | EnvFactory = "NAS-v0",
    seeds: int = 10,
    budget: Budget = 40,
    *,
    logdir: str | Path = "tensorboard_logs",
    name: str | None = None,
    jobs: int | None = None,
    trace: bool | None = None,
    tensorboard: str | None = None,
    executor: str | Mapping[str, Any] | Executor | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> Comparison:
    """Compare agents on one task at equal budget, as ``nas-gym compare`` does.

    Each agent searches once per seed, in worker processes. A run is scored by the test score of the
    network that it chose (its accuracy on classes, its R² on values), retrained with 3 training seeds that
    no search used; on a table by its regret.
    The runs and the report are kept in a folder of `logdir`: the same call again goes on where an
    interrupted one was, and runs nothing twice. In a script, call it under
    ``if __name__ == "__main__":``, since the workers import the script.

    ```python
    import nas_agents

    found = nas_agents.compare(["random", "evolution"], "NASTable-MLP-v0", seeds=20, budget=50)
    print(*found.verdict)
    found.runs.groupby("agent").regret.mean()                # a pandas DataFrame
    found.plot("regret.pdf", agents=["evolution"])
    print(found.to_latex())
    found.to_csv("numbers")

    nas_agents.compare(["tpe", {"name": "q-learning", "alpha": 0.2}], task="digits", reward="final")
    ```

    Args:
        agents: names, or dicts with ``"name"`` and hyperparameters; at least 2 different ones.
        env: id of the environment, whose keyword arguments are `options`; or a function that takes
            `options` and returns a new environment, wrapped or not. What such a function does
            itself is not part of a run's config: give each its own `name`.
        seeds: runs per agent, with the agent seeds 0, 1, ...
        budget: budget of each run: evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost.
        logdir: folder in which the runs and the report are written.
        name: name of this variant, which gets a folder of its own.
        jobs: number of worker processes; one per core by default.
        trace: whether every decision is recorded; by default everywhere but on a table.
        tensorboard: ``"all"``, ``"aggregate"`` or ``"none"``, see `Plan`.
        executor: what makes the runs in place of worker processes of this machine: ``"ray"`` or a dict like
            ``{"name": "ray", "address": "auto"}`` (see docs/clusters.md); `jobs` then has no meaning.
        on_progress: called with an `Advance` before the first run and whenever a run reports.
        **options: keyword arguments of the environment, such as ``search_space`` and ``task``.

    Raises:
        NASGymError: for an argument that does not fit, a folder that holds runs of another config, or
            if fewer than two agents finished a run.
    """
    plan = Plan(
        agents=agents,
        seeds=seeds,
        budget=budget,
        env_id=env,
        env=options,
        logdir=str(logdir),
        name=name,
        jobs=jobs,
        trace=trace,
        tensorboard=tensorboard,
        executor=executor,
    )
    given = {"agents": list(agents), "env": env, "seeds": seeds, "budget": budget} | options
    called = ", ".join(f"{argument}={value!r}" for argument, value in given.items())
    ((found,), _) = compare_tasks(plan, f"nas_agents.compare({masked(called)})", nullcontext(on_progress))
    if found.analysis is None:
        said = "".join(f"; {sentence}" for sentence in found.missing)
        raise ConfigError(f"fewer than 2 agents finished a run on {found.setting.task}: no comparison{said}")
    return found


def compare_tasks(
    plan: Plan, command: str, watching: AbstractContextManager[OnProgress | None] | None = None
) -> tuple[tuple[Comparison, ...], Path | None]:
    """Run a plan and write its reports.

    Args:
        plan: the comparison.
        command: command that makes the same comparison again, for the foot of the reports.
        watching: a context that is open while runs go on and gives what is told of their progress.

    Returns:
        The comparison of each task, and the folder of the report over all tasks, None where there is
        one task or too few agents finished a run on each.

    Raises:
        NASGymError: for a plan that does not fit, or a folder that holds runs of another config.
    """
    executor = make_executor(plan.executor)
    experiments = prepare(plan)
    if executor is not None:
        executor.size()  # refused before anything is written, if it cannot be reached
    with undisturbed(experiments):
        with watching or nullcontext(None) as on_progress:
            jobs = cores() if plan.jobs is None else plan.jobs
            failures = execute(experiments, jobs, on_progress, executor)
        from nas_agents.comparison.publish import publish, publish_across

        comparisons = tuple(publish(plan, experiment, failures, command) for experiment in experiments)
        return comparisons, publish_across(plan, comparisons)


def masked(command: str) -> str:
    """Return a command in which the passwords of URLs are masked."""
    command = re.sub(r"(://[^:/@\s']*:)[^@\s']*@", r"\1***@", command)
    return re.sub(r"([?&][^=&\s']*(?:passw|pwd|secret|token)[^=&\s']*=)[^&\s']+", r"\1***", command)


def prepare(plan: Plan) -> list[Experiment]:
    """Return the runs of a plan, checked before any of them starts.

    Raises:
        NASGymError: for a plan that does not fit, or a folder that holds a run of another config.
    """
    from nas_gym.envs import check_budget

    budget = check_budget(plan.budget)
    if isinstance(budget, dict) and "minutes" in budget:
        raise ConfigError(
            "a comparison is at equal budget, and the clock gives none: leave the limit in minutes out, and "
            "pass a number of evaluations or a recorded training time like {'seconds': 300}"
        )
    if isinstance(budget, dict) and len(budget) > 1:
        raise ConfigError("a comparison is at equal budget: pass evaluations or seconds, not both")
    for what, number in (("seeds", plan.seeds), ("jobs", plan.jobs)):
        if number is not None and number < 1:
            raise ConfigError(f"{what} must be at least 1, not {number}")
    if plan.tensorboard not in (None, *TENSORBOARD):
        raise unknown("tensorboard", plan.tensorboard, TENSORBOARD)
    if plan.tensorboard == "all" and plan.trace is False:
        raise ConfigError(
            "what TensorBoard shows of a run is recorded: leave trace=False out to see all runs"
        )
    for agent in plan.agents:
        make_agent(agent)
    labels = [label(agent) for agent in plan.agents]
    repeated = next((name for name in labels if labels.count(name) > 1), None)
    if repeated is not None:
        raise ConfigError(f"agent {repeated!r} is named twice: name each once, or set other hyperparameters")
    if len(labels) < 2:
        raise ConfigError(f"a comparison needs at least 2 agents, here are {len(labels)}: name others too")
    experiments = [_experiment(plan, task) for task in plan.tasks]
    folders = [experiment.folder for experiment in experiments]
    if len(set(folders)) < len(folders):
        raise ConfigError("two of the tasks have the same name, and so the same folder: rename one of them")
    if len({experiment.metric for experiment in experiments}) > 1:
        scored = ", ".join(f"{experiment.task} by {experiment.metric}" for experiment in experiments)
        raise ConfigError(
            f"the tasks are scored by different metrics ({scored}), which cannot be put together: "
            "compare those of one metric at a time"
        )
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
                "another name or logdir"
            )
            with writing(experiment.folder):
                experiment.folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(experiment.folder / "comparison.lock", busy))
        yield


def execute(
    experiments: Sequence[Experiment],
    jobs: int,
    on_progress: OnProgress | None = None,
    executor: Executor | None = None,
) -> list[tuple[RunSpec, Failure]]:
    """Run what is not finished in worker processes, and return the runs that failed.

    Args:
        experiments: the tasks with their runs.
        jobs: number of worker processes.
        on_progress: called before the first run and whenever a run reports.
        executor: makes the runs in place of worker processes.
    """
    specs = [spec for experiment in experiments for spec in experiment.specs]
    finished = [done for experiment in experiments for done in experiment.finished]
    waiting = [spec for spec, done in zip(specs, finished, strict=True) if not done]
    # While workers run, this process waits: time to import what reports need (SciPy and Matplotlib).
    Thread(target=import_module, args=("nas_agents.comparison.publish",), daemon=True).start()
    tally = Tally(len(specs), sum(finished), specs[0].budget, on_progress)
    if executor is None:
        failures = run_jobs(run, waiting, jobs, tally.report)
    else:
        failures = spread_runs(executor, waiting, tally.report)
    return [(waiting[failure.job], failure) for failure in failures]


def _experiment(plan: Plan, task: Any) -> Experiment:
    options = dict(plan.env) if task is None else {**plan.env, "task": task}
    with closing(make_env(plan.env_id, options)) as env:
        unwrapped: Any = env.unwrapped
        if plan.executor is not None and unwrapped.evaluator.executor is not None:
            raise ConfigError(
                "an executor makes the runs of a comparison or the trainings of each: leave one of them out"
            )
        folder = experiment_folder(plan.logdir, env, plan.name)
        wanted = plan.tensorboard == "all" or unwrapped.evaluator.optimum() is None
        trace = wanted if plan.trace is None else plan.trace
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
                tensorboard=plan.shows_runs,
                surroundings=around[label(agent)],
            )
            for seed in range(plan.seeds)
            for agent in plan.agents
        )
        finished = tuple(folder_of(spec, env).is_finished for spec in specs)
        table = unwrapped.evaluator.table
        return Experiment(
            environment=environment_name(env),
            folder=folder,
            space=unwrapped.search_space.name,
            task=unwrapped.task.name,
            metric=unwrapped.task.target.metric.label,
            specs=specs,
            finished=finished,
            tuned=tuple(
                label(agent)
                for agent in plan.agents
                if table is not None and table.name in make_agent(agent).tuned_on
            ),
            selects_on_test=unwrapped.evaluator.selects_on_test,
        )


def _fingerprints(env: gym.Env[Any, Any], agent: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprints of the data and the code that every run of an agent has to find."""
    from nas_gym.traces import run_config

    made = make_agent(agent)
    fingerprints: dict[str, Any] = run_config(env, made.name, {}, made)["fingerprints"]
    return fingerprints
