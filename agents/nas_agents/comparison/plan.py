"""The plan of a comparison, and the runs that follow from it, checked before any of them starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_agents.agent import UNDER_OBJECTIVES
from nas_agents.comparison.carried import check_leave_one_out, start_files
from nas_agents.registry import make_agent
from nas_agents.runs.run import (
    EnvFactory,
    RunSpec,
    environment_name,
    experiment_folder,
    folder_of,
    label,
    make_env,
)
from nas_gym.common import plain
from nas_gym.errors import ConfigError, unknown
from nas_gym.executors import Executor

if TYPE_CHECKING:
    import gymnasium as gym

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
        leave_one_out: whether an agent that carries something from one search to the next starts on each task
            from what it learned on the runs of the others (see `nas_agents.comparison.carried`).
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
    leave_one_out: bool = False

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
        carried: by label of an agent, the file that its searches start from; the comparison makes it from
            the runs of the other tasks.
        goes_by: by label of an agent what it goes by, see `Agent.under_objectives`; empty where there is one
            objective.
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
    carried: Mapping[str, str] = field(default_factory=dict)
    goes_by: Mapping[str, str] = field(default_factory=dict)


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
    if plan.leave_one_out:
        check_leave_one_out(plan)
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


def _experiment(plan: Plan, task: Any) -> Experiment:
    options = dict(plan.env) if task is None else {**plan.env, "task": task}
    with closing(make_env(plan.env_id, options)) as env:
        unwrapped: Any = env.unwrapped
        if plan.executor is not None and unwrapped.evaluator.executor is not None:
            raise ConfigError(
                "an executor makes the runs of a comparison or the trainings of each: leave one of them out"
            )
        goes_by = {} if unwrapped.objectives is None else _under_objectives(plan, unwrapped.objectives.names)
        folder = experiment_folder(plan.logdir, env, plan.name)
        wanted = plan.tensorboard == "all" or unwrapped.evaluator.optimum() is None
        trace = wanted if plan.trace is None else plan.trace
        carried = start_files(plan, folder)
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
                start=carried.get(label(agent)),
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
            carried=carried,
            goes_by=goes_by,
        )


def _under_objectives(plan: Plan, names: Sequence[str]) -> dict[str, str]:
    """Return what each agent goes by where there are several objectives, by label.

    Raises:
        NASGymError: if one cannot search for several, or the budget holds no front of so many.
    """
    goes_by: dict[str, str] = {label(agent): make_agent(agent).under_objectives for agent in plan.agents}
    for agent, by in goes_by.items():
        if by not in UNDER_OBJECTIVES:
            raise unknown(f"under_objectives of the agent {agent!r}", by, UNDER_OBJECTIVES)
    refused = [agent for agent, by in goes_by.items() if by == "refused"]
    if refused:
        several = len(refused) > 1
        raise ConfigError(
            f"{', '.join(refused)} search{'' if several else 'es'} for one number, and this environment pays "
            f"a vector of {', '.join(names)}: leave {'them' if several else 'it'} out (preference-ppo learns "
            "from a vector), or compare on NAS-v0 with a reward that weighs the objectives"
        )
    if isinstance(plan.budget, int) and plan.budget < len(names):
        raise ConfigError(
            f"a budget of {plan.budget} holds no front of {len(names)} objectives, which has a network for "
            f"each end: raise it to at least {len(names)} evaluations"
        )
    return goes_by


def _fingerprints(env: gym.Env[Any, Any], agent: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprints of the data and the code that every run of an agent has to find."""
    from nas_gym.traces import run_config

    made = make_agent(agent)
    fingerprints: dict[str, Any] = run_config(env, made.name, {}, made)["fingerprints"]
    return fingerprints
