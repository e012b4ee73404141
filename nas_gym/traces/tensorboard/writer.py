"""The TensorBoard events of a run: one method for each kind of thing that is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined]

from nas_gym._files import encodable
from nas_gym.errors import NASGymError
from nas_gym.networks import Network
from nas_gym.traces.cadence import Cadence
from nas_gym.traces.tensorboard import summaries
from nas_gym.traces.tensorboard.events import EventFile
from nas_gym.traces.tensorboard.network_graph import graph_of
from nas_gym.traces.tensorboard.picture import Picture
from nas_gym.traces.tensorboard.tags import (
    BEST,
    CURVES,
    EPISODE_BEST,
    EVALUATIONS,
    OUTCOME,
    SCORE,
    START_EDITS,
    STEP_SCORE,
    STORED,
    About,
    about_tags,
)

# TensorBoard keeps 1,000 points of a curve, drawn at random, so that a long run need not write them all.
POINTS_ALL_SHOWN = 10_000


class Board:
    """Writes the events of one run, and of the run `OUTCOME` inside it.

    Of values that are written together the first 10,000 are, then ever fewer, and always the last, so that a
    run's file stays small.

    Args:
        folder: the run's folder.
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """

    def __init__(self, folder: Path, metric: str) -> None:
        self._events = EventFile(folder)
        try:
            self._outcome = EventFile(folder / OUTCOME)
        except NASGymError:
            self._events.close()
            raise
        self._about = dict(about_tags(metric))
        self._shown: set[str] = set()
        self._lone: dict[str, tuple[float, int]] = {}
        self._cadences: dict[tuple[str, ...], Cadence] = {}
        self._left_out: dict[tuple[str, ...], tuple[EventFile, Mapping[str, float], int]] = {}
        self._metric = metric
        self._events.summary(summaries.custom_scalars(charts(metric, (SCORE, BEST, EVALUATIONS, STORED))))

    def describe(self, tag: str, about: About) -> None:
        """Say what a tag is to be shown with, before its first event."""
        self._about[tag] = about

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write values of one step."""
        if self._due(self._events, values, step):
            self._events.scalars(values, step, self._new(values))

    def curves(self, values: Mapping[str, float], step: int) -> None:
        """Write points of curves; the first point of each waits for the second, since a dot shows nothing."""
        if values.keys() <= self._shown:
            if self._due(self._events, values, step):
                self._events.scalars(values, step)
            return
        ready = {}
        for tag, value in values.items():
            if tag in self._shown:
                ready[tag] = value
            elif tag in self._lone:
                before, when = self._lone.pop(tag)
                self.scalars({tag: before}, when)
                ready[tag] = value
            else:
                self._lone[tag] = value, step
        if ready:
            self.scalars(ready, step)

    def outcome(self, values: Mapping[str, float], step: int) -> None:
        """Write values of `METRICS`, which HParams shows, too."""
        if self._due(self._outcome, values, step):
            self._outcome.scalars(values, step, self._new(values))

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """Write a Markdown text."""
        self._events.summary(summaries.text_summary(tag, markdown), step)

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Write an image, compressed while the search goes on."""
        now, about = time.time(), self._about.get(tag)
        self._events.add_made(
            lambda: Event(wall_time=now, step=step, summary=summaries.image(tag, picture, about))
        )

    def weights(self, tag: str, weights: np.ndarray, step: int) -> None:
        """Write a histogram with one bucket per action, as high as the action's weight.

        Args:
            tag: name of the histogram.
            weights: float64 (n,), at least 0.
            step: the step it is of.
        """
        description = None
        if tag not in self._shown and tag in self._about:
            self._shown.add(tag)
            description = self._about[tag].description
        self._events.summary(summaries.weights(tag, weights, description), step)

    def start_session(self, hyperparameters: Mapping[str, Any]) -> None:
        """Show the hyperparameters in HParams; beside them stands the last value of each of `METRICS`.

        No experiment is declared, though `add_hparams` does: TensorBoard takes the first that it
        finds for all runs, and hyperparameters that only other agents have would never show.
        """
        plain = {name: _hyperparameter(value) for name, value in hyperparameters.items()}
        self._outcome.summary(summaries.session_start(plain))

    def end_session(self) -> None:
        """Mark the run as finished in HParams, and lay out the charts of all that it has shown."""
        for file, values, step in self._left_out.values():
            file.scalars(values, step)
        self._left_out.clear()
        self._outcome.summary(summaries.session_end())
        self._events.summary(summaries.custom_scalars(charts(self._metric, self._shown)))

    def graph(self, network: Network) -> None:
        """Write the graph of a network."""
        graph = graph_of(network).SerializeToString()
        self._events.add(Event(wall_time=time.time(), graph_def=graph))

    def flush_soon(self) -> None:
        """Have what is waiting written soon."""
        self._events.flush_soon()
        self._outcome.flush_soon()

    def close(self) -> None:
        """Write what is waiting and close the files; what could not be written is told once for both."""
        files = (self._events, self._outcome)
        told = any(file.has_told for file in files)
        failures = []
        for file in files:
            try:
                file.close()
            except NASGymError as failure:
                failures.append(failure)
        if failures and not told:
            raise failures[0]

    def _due(self, file: EventFile, values: Mapping[str, float], step: int) -> bool:
        """Return whether values are written now; the last of those left out are at the end."""
        tags = tuple(values)
        cadence = self._cadences.setdefault(tags, Cadence(POINTS_ALL_SHOWN))
        if cadence.due():
            self._left_out.pop(tags, None)
            return True
        self._left_out[tags] = file, dict(values), step
        return False

    def _new(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Return what those tags that were never written are to be shown with."""
        if values.keys() <= self._shown:
            return {}
        new = values.keys() - self._shown
        self._shown |= new
        return {tag: summaries.described(self._about[tag]) for tag in new if tag in self._about}


def charts(metric: str, shown: Collection[str]) -> dict[str, dict[str, list[Any]]]:
    """Return the charts that show several scalars, as `summaries.custom_scalars` takes them.

    Args:
        metric: what the score of an architecture is, for readers.
        shown: scalars that there are; a chart of none of them is left out.
    """
    every: dict[str, dict[str, list[str]]] = {
        "search": {
            f"{metric} and best so far, by distinct evaluation": _these(SCORE, BEST),
            f"learning curves of the best networks: {metric} by epoch": [f"^{CURVES}/.*"],
            "distinct evaluations and stored hits, by step": _these(EVALUATIONS, STORED),
        },
        "agent": {
            f"{metric} and best of the episode, by step": _these(STEP_SCORE, EPISODE_BEST),
            "exploration, by step": _these("policy/entropy", "train/epsilon"),
            "scores of the start state's edits, by step": [f"^{START_EDITS}/.*"],
        },
    }
    layout = {
        category: {
            title: ["Multiline", patterns]
            for title, patterns in titles.items()
            if any(re.match(pattern, tag) for pattern in patterns for tag in shown)
        }
        for category, titles in every.items()
    }
    return {category: titles for category, titles in layout.items() if titles}


def _these(*tags: str) -> list[str]:
    return [f"^{tag}$" for tag in tags]


def _hyperparameter(value: Any) -> float | str:
    # TensorBoard would store a bool as 1.0, and takes no lists.
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return value if isinstance(value, int | float) else encodable(str(value))
