"""A comparison from its plan to its files: every run in a worker process, then the reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from nas_agents.comparison.carried import carry, sentences
from nas_agents.comparison.plan import Experiment, Plan, prepare
from nas_agents.comparison.progress import OnProgress, Tally
from nas_agents.runs.pool import Failure, cores, run_jobs
from nas_agents.runs.run import EnvFactory, RunSpec, run
from nas_agents.runs.spread import spread_runs
from nas_gym.common import held, writing
from nas_gym.errors import ConfigError
from nas_gym.executors import Executor, make_executor

if TYPE_CHECKING:
    from nas_agents.comparison.outcome import Comparison
    from nas_gym.envs import Budget


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
    no search used; on a table by its regret; of several objectives by the hypervolume of the front it found.
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

        comparisons = tuple(
            publish(plan, experiment, failures, command, sentences(experiment, experiments))
            for experiment in experiments
        )
        return comparisons, publish_across(plan, comparisons)


def masked(command: str) -> str:
    """Return a command in which the passwords of URLs are masked."""
    command = re.sub(r"(://[^:/@\s']*:)[^@\s']*@", r"\1***@", command)
    return re.sub(r"([?&][^=&\s']*(?:passw|pwd|secret|token)[^=&\s']*=)[^&\s']+", r"\1***", command)


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
    # What starts from the runs of other tasks comes after those.
    first = [spec for spec in waiting if spec.start is None]
    second = [spec for spec in waiting if spec.start is not None]
    # While workers run, this process waits: time to import what reports need (SciPy and Matplotlib).
    Thread(target=import_module, args=("nas_agents.comparison.publish",), daemon=True).start()
    tally = Tally(len(specs), sum(finished), specs[0].budget, on_progress)
    failures = _made(first, jobs, executor, tally.report)
    if second:
        carry(experiments)
        failures += _made(second, jobs, executor, lambda job, done: tally.report(len(first) + job, done))
    return failures


def _made(
    specs: Sequence[RunSpec], jobs: int, executor: Executor | None, report: Callable[[int, Any], None]
) -> list[tuple[RunSpec, Failure]]:
    """Make runs, and return those that failed."""
    made = run_jobs(run, specs, jobs, report) if executor is None else spread_runs(executor, specs, report)
    return [(specs[failure.job], failure) for failure in made]
