"""The files of a finished comparison: reports, figures, the aggregate runs, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from nas_agents.comparison.across import across_markdown, compare_across
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.fronts.quality import with_fronts
from nas_agents.comparison.fronts.summary import summarise_fronts
from nas_agents.comparison.outcome import Comparison
from nas_agents.comparison.plan import Experiment, Plan
from nas_agents.comparison.plots import plot_across
from nas_agents.comparison.records import Run, by_agent, read_run
from nas_agents.comparison.report import Setting, write_json
from nas_agents.runs.run import RunSpec, experiment_name, label
from nas_gym.common import write_text, writing
from nas_gym.traces import versions

if TYPE_CHECKING:
    from nas_agents.runs.pool import Failure

FAILURES_FILE = "failures.log"


def publish(
    plan: Plan,
    experiment: Experiment,
    failures: Sequence[tuple[RunSpec, Failure]],
    command: str,
    started: tuple[str, ...] = (),
) -> Comparison:
    """Write the report of one task from its finished runs, and the details of those that failed.

    Args:
        plan: the comparison.
        experiment: the task with its runs.
        failures: the runs that failed.
        command: command that makes the same comparison again.
        started: what searches started from, in sentences.

    Raises:
        NASGymError: if it cannot be written; the runs stay as they are.
    """
    with writing(experiment.folder):
        return _publish(plan, experiment, failures, command, started)


def _publish(
    plan: Plan,
    experiment: Experiment,
    failures: Sequence[tuple[RunSpec, Failure]],
    command: str,
    started: tuple[str, ...],
) -> Comparison:
    failed = [(spec, failure) for spec, failure in failures if spec in experiment.specs]
    _write_failures(experiment.folder, failed)
    setting = Setting(
        environment=experiment.environment,
        space=experiment.space,
        task=experiment.task,
        metric=experiment.metric,
        budget=plan.budget if isinstance(plan.budget, int) else dict(plan.budget),
        seeds=plan.seeds,
        command=command,
        versions=versions(),
        missing=tuple(sentence(experiment, spec, failure) for spec, failure in failed),
        tuned=experiment.tuned,
        selects_on_test=experiment.selects_on_test,
        started=started,
    )
    unfinished = [spec for spec, _ in failed]
    runs = tuple(read_run(Path(spec.folder)) for spec in experiment.specs if spec not in unfinished)
    if not started:
        setting = replace(setting, started=started_from(runs))
    analysis = None
    if len(by_agent(runs)) > 1:
        # Products this small are slower on several threads, which wait for each other by spinning.
        with threadpool_limits(1):  # type: ignore[no-untyped-call]
            fronts = None
            if experiment.goes_by:
                runs, yardstick = with_fronts(
                    runs, [spec for spec in experiment.specs if spec not in unfinished]
                )
                fronts = summarise_fronts(runs, yardstick, experiment.goes_by)
            analysis = analyse(runs, selects_on_test=experiment.selects_on_test, fronts=fronts)
    fingerprints = experiment.specs[0].surroundings or {}
    shown = plan.tensorboard != "none"
    comparison = Comparison(experiment.folder, setting, analysis, runs, fingerprints, shown)
    if analysis is not None:
        comparison.report()
    return comparison


def publish_across(plan: Plan, published: Sequence[Comparison]) -> Path | None:
    """Write the report over all tasks, of the agents that have a run on each; None where too few have."""
    common = set.intersection(*({run.agent for run in each.finished} for each in published))
    if len(published) < 2 or len(common) < 2:
        return None
    across = compare_across(
        {each.setting.task: [run for run in each.finished if run.agent in common] for each in published}
    )
    first = published[0].setting
    missing = tuple(sentence for each in published for sentence in each.setting.missing)
    setting = replace(
        first,
        task=f"{len(published)} tasks",
        missing=missing,
        tuned=tuple(dict.fromkeys(agent for each in published for agent in each.setting.tuned)),
        selects_on_test=any(each.setting.selects_on_test for each in published),
        started=tuple(dict.fromkeys(one for each in published for one in each.setting.started)),
    )
    name = experiment_name(first.environment, first.space, f"{len(published)}-tasks", plan.name)
    folder = Path(plan.logdir) / name
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        figures = plot_across(across, folder, setting.where)
        write_json(across.as_dict(), setting, folder / "comparison.json")
        write_text(folder / "comparison.md", across_markdown(across, setting, figures))
    return folder


def started_from(runs: Sequence[Run]) -> tuple[str, ...]:
    """Say what the searches of each agent started from, of those that did not start from nothing."""
    found = dict.fromkeys((run.agent, run.started_from) for run in runs if run.started_from)
    return tuple(f"{agent} did not start from nothing, but from {what}." for agent, what in found)


def sentence(experiment: Experiment, spec: RunSpec, failure: Failure) -> str:
    """Say which run failed, and why."""
    return (
        f"the run of {label(spec.agent)} with seed {spec.seed} on {experiment.task} failed: {failure.reason}"
    )


def _write_failures(folder: Path, failed: Sequence[tuple[RunSpec, Failure]]) -> None:
    """Keep the tracebacks of failed runs, in place of those of an earlier comparison."""
    file = folder / FAILURES_FILE
    file.unlink(missing_ok=True)
    details = [f"{spec.folder}\n{failure.details or failure.reason}\n" for spec, failure in failed]
    if details:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(file, "\n".join(details))
