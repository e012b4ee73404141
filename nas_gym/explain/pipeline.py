"""From a run, from two, or from a folder of runs to the explanation: answers first, then the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
from threadpoolctl import threadpool_limits

from nas_gym._clock import Clock, OutOfTimeError, check_time, in_time, minutes_in_words
from nas_gym.errors import ConfigError, NASGymError
from nas_gym.explain.evidence.facts import facts_of, title_of
from nas_gym.explain.evidence.run import Evidence, read_evidence
from nas_gym.explain.evidence.together import read_together, run_folders
from nas_gym.explain.fact import Verdict, out_of_time
from nas_gym.explain.registry import OF_SHARED_WEIGHTS, QUESTIONS, questions
from nas_gym.explain.report.writer import TOGETHER, write_comparison, write_explanation
from nas_gym.explain.section import Explanation, Question, Section, Settings, withheld
from nas_gym.traces import RunFolder

OnProgress = Callable[[int, int, str], None]

NOTHING_TRAINED = "No network of this run could be trained, so there is nothing to explain."
MOST_NAMED = 4
LEFT_OUT = "left out for want of time"
SHARE = 2.0
"""How many equal shares of the time that is left a question may take."""
WRITING = 0.15
"""Part of a limit by the clock that is kept for drawing and writing the report."""


def explain(
    run: str | os.PathLike[str],
    other: str | os.PathLike[str] | None = None,
    *,
    budget: int | None = None,
    seed: int = 0,
    minutes: float | None = None,
    store: Any = "user",
    write: bool = True,
    folder: str | os.PathLike[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Explanation:
    """Explain a run: what was found, why it is good, how the agent found it, and how sure that is.

    Any run folder will do, also of an interrupted run or of one that is still going on. What cannot
    be explained of a run (a policy that it does not have, effects that too few evaluations show) is
    withheld with a sentence. Two runs on the same space and task are compared instead: what each
    found, where their policies agree, where they differ, and whose edits are better there.

    ```python
    explanation = explain("tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0")
    print(" ".join(explanation.summary.answer))
    explanation["choices"].numbers
    ```

    Args:
        run: folder of the run, or one that holds runs, at any depth.
        other: folder of a run to compare with; None to explain the one.
        budget: number of evaluations that each explanation may request beyond the run's, which take time
            where networks are trained; None for the default of each, 0 for none.
        seed: seed of every random draw.
        minutes: limit by the clock; None for none. What is computed or trained for an answer ends near it:
            a question ends with what it has by then, or is left out with a sentence; the summary is always
            made. What such an explanation says cannot be repeated exactly.
        store: place where further evaluations are kept, as of `gym.make("NAS-v0", store=...)`.
        write: whether to write the report (`report.html`, `report.md`, `explanation.json` and
            TensorBoard's events; of two runs `comparison-of-policies.html`, `.md` and `.json`, of several
            `comparison-explained.html`, `.md` and `.json`).
            Nothing is written before everything is explained.
        folder: place of the report; None for the folder of the run, or the nearest one that holds both.
        on_progress: function called before each stage with its number, the number of stages, and what
            is done in it.

    Returns:
        The explanation; its `report` is the web page that was written.

    Raises:
        NASGymError: if a folder holds no run, a trace is damaged, nothing was evaluated, runs have different
            spaces or tasks, or the limit is not above 0 or is given with several runs.
    """
    settings, report = Settings(budget, seed), on_progress or _say_nothing
    if other is not None:
        _refuse_minutes(minutes)
        return _compare(run, other, settings, store, write, folder, report)
    inside = [] if RunFolder(run).config_file.is_file() else run_folders(Path(run))
    if len(inside) > 1:
        _refuse_minutes(minutes)
        return _together(run, settings, store, write, folder, report)
    clock = Clock(minutes, kept=WRITING if write else 0.0)
    return _one(inside[0].path if inside else run, settings, clock, store, write, folder, report)


def explain_evidence(
    evidence: Evidence,
    settings: Settings | None = None,
    selected: Iterable[Question] | None = None,
    on_progress: Callable[[int, str], None] | None = None,
) -> Explanation:
    """Answer every question about a run that was read.

    Args:
        evidence: evidence of the run.
        settings: budget and seed of the explanations; None for the defaults.
        selected: the questions; None for those of the registry.
        on_progress: function called before each question with its number and its text.
    """
    from nas_gym.explain.sections.summary.methods import beside_simple_methods
    from nas_gym.explain.sections.summary.section import summarise

    settings = settings or Settings()
    sections = list[Section]()
    # One thread: the matrices are small, and sums in another order would be other numbers.
    with (
        threadpool_limits(limits=1, user_api="blas"),  # type: ignore[no-untyped-call]
        evidence.clock.breaking_off(),
    ):
        if evidence.clock.minutes is not None and evidence.succeeded:
            # What the first page needs comes first, since the limit may leave no time for it later.
            in_time(lambda: beside_simple_methods(evidence, settings.seed))
        given = None if selected is None else list(selected)
        shared = evidence.folder.readings_file.exists()
        count = number_of_questions(evidence.folder) if given is None else len(given)
        asked = questions(of_shared_weights=shared) if given is None else given
        for number, question in enumerate(asked):
            if on_progress is not None and not evidence.clock.is_over:
                on_progress(number, question.text)
            # Under a limit, so that the first questions leave some time to the others.
            with evidence.clock.part(min(1.0, SHARE / (count - number))):
                sections.append(_answered(question, evidence, settings))
        summary = summarise(evidence, sections, settings) if evidence.succeeded else _all_failed(evidence)
    return Explanation(
        str(evidence.folder.path),
        title_of(evidence),
        summary,
        tuple(sections),
        evidence.metric,
        facts_of(evidence) | _limit_facts(evidence, sections),
    )


def number_of_questions(folder: RunFolder) -> int:
    """Return how many questions the registry asks of a run."""
    return len(QUESTIONS) + len(OF_SHARED_WEIGHTS) * folder.readings_file.exists()


def common_folder(first: Path, second: Path) -> Path:
    """Return the nearest folder that both runs are in, the current one where they have none in common."""
    try:
        common = Path(os.path.commonpath([first.resolve().parent, second.resolve().parent]))
    except ValueError:
        return Path()
    return Path() if common == Path(common.anchor) else Path(os.path.relpath(common))


def _one(
    run: str | os.PathLike[str],
    settings: Settings,
    clock: Clock,
    store: Any,
    write: bool,
    folder: str | os.PathLike[str] | None,
    report: OnProgress,
) -> Explanation:
    stages = number_of_questions(RunFolder(run)) + 2
    report(0, stages, "Reading the run")
    evidence = read_evidence(run, store, clock)
    explanation = explain_evidence(
        evidence, settings, on_progress=lambda number, text: report(1 + number, stages, text)
    )
    if not write:
        return explanation
    report(stages - 1, stages, "Writing the report")
    return replace(explanation, report=write_explanation(evidence, explanation, _path(folder)))


def _compare(
    run: str | os.PathLike[str],
    other: str | os.PathLike[str],
    settings: Settings,
    store: Any,
    write: bool,
    folder: str | os.PathLike[str] | None,
    report: OnProgress,
) -> Explanation:
    from nas_gym.explain.sections.comparison.section import compare

    _refuse_several(run)
    _refuse_several(other)
    report(0, 2, "Comparing the policies")
    explanation = compare(run, other, budget=settings.budget, seed=settings.seed, store=store)
    if not write:
        return explanation
    report(1, 2, "Writing the report")
    place = _path(folder) or common_folder(Path(run), Path(other))
    return replace(explanation, report=write_comparison(explanation, place))


def _together(
    place: str | os.PathLike[str],
    settings: Settings,
    store: Any,
    write: bool,
    folder: str | os.PathLike[str] | None,
    report: OnProgress,
) -> Explanation:
    from nas_gym.explain.sections.together.section import STAGES, explain_together

    stages = len(STAGES) + 2
    report(0, stages, "Reading the runs")
    together = read_together(place, store)
    if not together.evidence.succeeded:
        raise ConfigError(f"in the runs of {place} every training failed: there is nothing to explain")
    explanation = explain_together(
        together, settings, on_progress=lambda number, text: report(1 + number, stages, text)
    )
    if not write:
        return explanation
    report(stages - 1, stages, "Writing the report")
    return replace(explanation, report=write_comparison(explanation, _path(folder) or Path(place), TOGETHER))


def _refuse_minutes(minutes: float | None) -> None:
    """Refuse a limit by the clock where several runs are explained."""
    if minutes is not None:
        raise ConfigError("a limit in minutes is one of the explanation of one run: pass one, not several")


def _say_nothing(_number: int, _total: int, _what: str) -> None:
    """Show no progress."""


def _path(folder: str | os.PathLike[str] | None) -> Path | None:
    return None if folder is None else Path(folder)


def _refuse_several(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that is not a run but holds some.

    Raises:
        NASGymError: naming runs in it.
    """
    if RunFolder(folder).config_file.is_file():
        return
    runs = [str(one.path) for one in run_folders(Path(folder))]
    if runs:
        more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
        raise ConfigError(
            f"{folder} holds runs and is not one itself: compare two of "
            f"{', '.join(runs[:MOST_NAMED])}{more}, or "
            "pass that folder alone to explain all of them together"
        )


def _answered(question: Question, evidence: Evidence, settings: Settings) -> Section:
    if not evidence.succeeded:
        return replace(withheld(question.key, question.text, NOTHING_TRAINED), about=question.about)
    try:
        if not question.free:
            check_time()
    except OutOfTimeError:
        return _left_out(question, evidence, "Left out after")
    try:
        return question(evidence, settings)
    except OutOfTimeError:
        return _left_out(question, evidence, "Broken off to keep within")
    except NASGymError as error:
        return replace(
            withheld(question.key, question.text, f"This run does not answer it: {error}."),
            about=question.about,
        )


def _left_out(question: Question, evidence: Evidence, what: str) -> Section:
    """Return the section of a question that there was no time for."""
    time = minutes_in_words(evidence.clock.minutes or 0.0)
    why = f"{what} {time}; `{_command(evidence)}` without --minutes answers it."
    # That an agent without a policy has learned none is nothing that time would tell.
    applicable = question.about != "agent" or bool(evidence.snapshots)
    section = withheld(question.key, question.text, why, {LEFT_OUT: True}, is_applicable=applicable)
    return replace(section, about=question.about, facts=(out_of_time("answer", question.text),))


def _limit_facts(evidence: Evidence, sections: Iterable[Section]) -> dict[str, Any]:
    """Return what is to be known of a limit by the clock; {} without one."""
    minutes = evidence.clock.minutes
    if minutes is None:
        return {}
    sections = list(sections)
    left_out = [section.key for section in sections if section.numbers.get(LEFT_OUT)]
    lacking = any(fact.verdict is Verdict.NO_TIME for section in sections for fact in section.facts)
    return {
        "limit by the clock": minutes_in_words(minutes),
        "limit by the clock reached": evidence.clock.is_over or lacking,
        "questions left out for want of time": left_out,
        "command for this report": f"{_command(evidence)} --minutes {minutes:g}",
    }


def _command(evidence: Evidence) -> str:
    return f"nas-gym explain {evidence.folder.path}"


def _all_failed(evidence: Evidence) -> Section:
    """Return the summary of a run without a network that trained."""
    from nas_gym.explain.sections.summary.section import KEY, QUESTION

    reasons = Counter(_reasons(evidence))
    named = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
    count = len(evidence.seen)
    return Section(
        KEY,
        QUESTION,
        (
            f"Nothing was found: none of the {count} networks that the run tried could be trained."
            if count > 1
            else "Nothing was found: the only network that the run tried could not be trained.",
            f"What the training said: {named}.",
            "What to try: a smaller learning rate, a higher max_parameters, or another task.",
        ),
        trust="This is counted, not estimated.",
        numbers={"evaluations": count, "failed": count, "reasons": dict(reasons)},
    )


def _reasons(evidence: Evidence) -> Iterator[str]:
    """Yield why each failed training of the trace failed."""
    for line in evidence.recording.lines:
        if line.error:
            yield line.error
