"""Explaining a run while another process makes it: again and again until it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym._checks import from_json
from nas_gym._lock import is_held
from nas_gym.errors import ConfigError
from nas_gym.explain.evidence.run import read_evidence
from nas_gym.explain.pipeline import explain_evidence
from nas_gym.explain.report.writer import write_explanation
from nas_gym.explain.section import Explanation, Question, Settings
from nas_gym.traces import RunFolder

SECONDS_BETWEEN_LOOKS = 1.0
# A run that has not written for so long is looked at more closely: it may have been killed.
SECONDS_OF_SILENCE = 10.0
TAIL = 1 << 20


@dataclass(frozen=True, slots=True)
class LiveExplanation:
    """A run as it was explained while it went on.

    Attributes:
        evaluations: distinct ones of the run so far.
        over: whether the run has ended, so that this is the last explanation.
        explanation: explanation of the run so far.
    """

    evaluations: int
    over: bool
    explanation: Explanation


def explain_live(
    run: str | os.PathLike[str],
    every: int,
    *,
    budget: int | None = None,
    seed: int = 0,
    store: Any = "user",
    selected: Sequence[Question] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[LiveExplanation]:
    """Explain a run each time it has made so many new evaluations, and once more when it has ended.

    While the run goes on nothing is evaluated beyond it, so that no time is taken from it; the last
    explanation is as that of `explain`. TensorBoard keeps all of them, one after the other.

    Args:
        run: folder of the run; another process may be writing it.
        every: distinct evaluations between two explanations, at least 1.
        budget: see `explain`, for the last explanation.
        seed: seed of every random draw.
        store: where further evaluations are kept.
        selected: the questions; None for those of the registry.
        wait: called with the seconds until the next look.

    Raises:
        NASGymError: if `every` is below 1, the folder holds no run, or the run ended without an evaluation.
    """
    if every < 1:
        raise ConfigError(f"--every must be at least 1 evaluation, not {every}")
    folder = RunFolder(run)
    folder.config()
    due, silence = 1, 0.0
    count = -1
    while True:
        now = evaluations_of(folder)
        silence = 0.0 if now != count else silence + SECONDS_BETWEEN_LOOKS
        count = now
        over = _is_over(folder, silence)
        if over or count >= due:
            evidence = read_evidence(run, store if over else "memory")
            settings = Settings(budget if over else 0, seed)
            explanation = explain_evidence(evidence, settings, selected)
            write_explanation(evidence, explanation, keep_events=True)
            yield LiveExplanation(len(evidence.seen), over, explanation)
            due = max(count, len(evidence.seen)) + every
        if over:
            return
        wait(SECONDS_BETWEEN_LOOKS)


def evaluations_of(folder: RunFolder) -> int:
    """Return the distinct evaluations of a run so far, from the end of its trace; 0 before the first."""
    for line in reversed(_last_lines(folder)):
        if isinstance(unique := line.get("unique"), int):
            return unique
    return 0


def _is_over(folder: RunFolder, silence: float) -> bool:
    """Return whether the run has ended: its writer holds the trace to its end, however that comes."""
    if folder.is_finished:
        return True
    return silence >= SECONDS_OF_SILENCE and not is_held(folder.trace_file)


def _last_lines(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the last complete lines of the trace."""
    try:
        with folder.trace_file.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - TAIL)
            file.seek(start)
            texts = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    complete = texts[1 if start else 0 : -1]
    try:
        lines = [from_json(text) for text in complete[-2:]]
    except ValueError:
        return []  # damaged, as whoever reads all of it says
    return [line for line in lines if isinstance(line, dict)]
