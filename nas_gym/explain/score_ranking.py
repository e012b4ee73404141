"""How well cheap scores rank a search space, against a table of what its networks are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators import BATCH, EVALUATORS, POOL_PROXIES, PROXIES, Evaluator, ProxyMeter, make_evaluator
from nas_gym.explain.methods.ranking import Interval, over_networks, over_seeds, rank_quality
from nas_gym.registry import options_of
from nas_gym.search_spaces import Architecture
from nas_gym.tables import Table
from nas_gym.tasks import Task

SIZES = ("params", "flops")
LEAST_NETWORKS = 20
TIMED = 10
"""Networks that a proxy is timed on."""
Told = Callable[[str, float], None]


@runtime_checkable
class Scorer(Protocol):
    """A score that reads a table itself, such as `nas_agents.Surrogate`.

    Attributes:
        label: the score in words.
        trainings: trainings of networks that it costs.
    """

    @property
    def label(self) -> str: ...

    @property
    def trainings(self) -> int: ...

    def scores(self, table: Table, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return the score of each of some networks of a table, (rows,), without a look at what they scored.

        Raises:
            NASGymError: if the table does not have what it reads.
        """
        ...


Score = str | Mapping[str, Any] | Scorer


@dataclass(frozen=True)
class ScoreRow:
    """How well one score ranks the networks.

    Attributes:
        score: the score in words.
        kind: ``"size"``, ``"training"``, ``"proxy"``, ``"evaluator"`` or ``"surrogate"``.
        quality: each measure of `nas_gym.explain.methods.ranking.rank_quality` with its interval.
        over: what the intervals are over: ``"networks"`` or ``"seeds"``.
        without: networks that have no value by it.
        seconds: for one network and seed: measured here, or as the table recorded it. What an evaluator
            trains for all of them together is in it.
        cost: trainings that it takes to score all networks of the table, as a share of training them all;
            None where it does not train.
    """

    score: str
    kind: str
    quality: Mapping[str, Interval]
    over: str
    without: int
    seconds: float
    cost: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a flat JSON-able dict, with None where there is no number."""
        flat: dict[str, Any] = {"score": self.score, "kind": self.kind, "intervals_over": self.over}
        for name, interval in self.quality.items():
            for end, value in (("", interval.value), ("_low", interval.low), ("_high", interval.high)):
                flat[f"{name}{end}"] = None if np.isnan(value) else value
        return flat | {"without_value": self.without, "seconds": self.seconds, "cost": self.cost}


@dataclass(frozen=True)
class ScoreRanking:
    """Scores against a table.

    Attributes:
        table: name of the table.
        measure: what the networks are worth, in words.
        networks: how many of them were compared.
        size: how many architectures the table has.
        seeds: seeds of scores that have some.
        rows: one a score.
        worth: what each network is worth, (networks,).
        values: the values that were compared, by score: (seeds, networks).
    """

    table: str
    measure: str
    networks: int
    size: int
    seeds: tuple[int, ...]
    rows: tuple[ScoreRow, ...]
    worth: np.ndarray = field(repr=False)
    values: Mapping[str, np.ndarray] = field(repr=False)


def rank_scores(
    table: Table,
    task: Task | None,
    scores: Sequence[Score],
    *,
    networks: int | None = 1000,
    seeds: Sequence[int] = (0, 1, 2),
    draw: int = 0,
    fidelities: Sequence[int] | None = None,
    device: str = "auto",
    store: Any = "user",
    batch: int = BATCH,
    progress: Told = lambda *_: None,
) -> ScoreRanking:
    """Compare cheap scores with the mean validation score of a table's networks over its training seeds.

    Rows for parameters, FLOPs and short trainings are always there. A supernet also has a row for one that
    was trained on shuffled labels, unless it is one.

    Args:
        table: what the networks are worth.
        task: the data that scores read; None where they need none.
        scores: names of proxies, evaluators as `make_evaluator` takes them, or any `Scorer`.
        networks: how many, drawn uniformly without replacement; None for all.
        seeds: seeds of proxies and evaluators.
        draw: seed of the draw of networks.
        fidelities: epochs of short trainings; by default a few of the table's.
        device: where scores are computed.
        store: for what evaluators compute.
        batch: examples of a batch of proxies.
        progress: told what is under way and the share of it that is done.

    Raises:
        NASGymError: if a score is unknown or does not fit the task, or there are too few networks.
    """
    _check_names(scores)
    chosen = _drawn(table, networks, draw)
    shown = [table.fidelity(each) for each in (short_fidelities(table) if fidelities is None else fidelities)]
    ranked = _Ranked(table, task, chosen, tuple(seeds), device, store, batch, progress)
    names = [each for each in scores if isinstance(each, str) and (each in PROXIES or each in POOL_PROXIES)]
    meter = ranked.meter(names)
    scorers = [each for each in scores if isinstance(each, Scorer)]
    specs = [each for each in scores if not isinstance(each, Scorer) and each not in names]
    evaluators = list(_evaluators(specs))
    for label, spec in evaluators:
        ranked.evaluator(label, spec, seeds[0])  # what is wrong with one is said before anything takes time
    by_scorer = [(each, ranked.by_scorer(each)) for each in scorers]
    rows = [ranked.row("size", name, ranked.sizes(name)) for name in SIZES]
    rows += [ranked.row("training", *ranked.short(epochs)) for epochs in shown]
    shown_names = [name for name in names if name not in SIZES]
    if meter is not None and shown_names:
        by_name = ranked.by_proxies(meter, shown_names)
        rows += [ranked.row("proxy", name, by_name[name]) for name in shown_names]
    rows += [ranked.row("surrogate", scorer.label, values) for scorer, values in by_scorer]
    rows += [ranked.row("evaluator", label, ranked.by_evaluator(label, spec)) for label, spec in evaluators]
    return ScoreRanking(
        table=table.name,
        measure=table.measure,
        networks=len(chosen),
        size=table.size,
        seeds=tuple(seeds),
        rows=tuple(rows),
        worth=ranked.worth,
        values=ranked.values,
    )


def short_fidelities(table: Table) -> list[int]:
    """Return the fidelities that stand for short trainings: about 1/16, 1/8, 1/4 and 1/2 of the epochs."""
    below = table.fidelities[:-1]
    if not below:
        return []
    wanted = [table.fidelities[-1] / part for part in (16, 8, 4, 2)]
    return sorted({min(below, key=lambda epochs: abs(epochs - goal)) for goal in wanted})


@dataclass(frozen=True)
class _Values:
    """Values by seed, (seeds, networks), the seconds of one of them, and what they cost, see `ScoreRow`."""

    by_seed: np.ndarray
    seconds: float
    cost: float | None = None


class _Ranked:
    """The networks that are compared, and the values of scores for them."""

    def __init__(
        self,
        table: Table,
        task: Task | None,
        rows: np.ndarray,
        seeds: tuple[int, ...],
        device: str,
        store: Any,
        batch: int,
        progress: Told,
    ) -> None:
        self._table, self._task, self._rows, self._seeds = table, task, rows, seeds
        self._device, self._store, self._batch, self._progress = device, store, batch, progress
        space = table.search_space
        self._architectures: list[Architecture] = [space.architecture(int(row)) for row in rows]
        self.worth, self._fixed = table.mean_score()[rows], table.parameters[rows]
        self.values: dict[str, np.ndarray] = {}

    def row(self, kind: str, score: str, values: _Values) -> ScoreRow:
        """Return the row of a score; its values are kept."""
        self.values[score] = values.by_seed
        if len(values.by_seed) > 1 and not (values.by_seed == values.by_seed[0]).all():
            over = "seeds"
            quality = over_seeds([rank_quality(each, self.worth, self._fixed) for each in values.by_seed])
        else:
            over = "networks"
            quality = over_networks(values.by_seed[0], self.worth, self._fixed)
        without = int(np.isneginf(values.by_seed).any(axis=0).sum())
        return ScoreRow(score, kind, quality, over, without, values.seconds, values.cost)

    def sizes(self, name: str) -> _Values:
        """Return parameters or FLOPs, as the table recorded them."""
        found = self._table.parameters if name == "params" else self._table.flops
        return _Values(found[self._rows][None].astype(np.float64), 0.0)

    def short(self, epochs: int) -> tuple[str, _Values]:
        """Return trainings of a fidelity, one a recorded seed that all networks have."""
        table = self._table
        scores = np.where(table.failed[:, : table.scores(epochs).shape[1]], 0.0, table.scores(epochs))
        scores = scores[self._rows]
        whole = scores[:, ~np.isnan(scores).any(axis=0)]
        seconds = float(table.cost(epochs)[self._rows].mean())
        full = table.fidelities[-1]
        return f"training for {epochs} of {full} epochs", _Values(whole.T, seconds, epochs / full)

    def meter(self, names: Sequence[str]) -> ProxyMeter | None:
        """Return what measures by proxies, after checking all of them; None where there are none."""
        if not names:
            return None
        task = self._task_for(names[0])
        meter = ProxyMeter(self._table.search_space, task, self._device, batch=self._batch)
        meter.check(names)
        return meter

    def by_proxies(self, meter: ProxyMeter, names: Sequence[str]) -> dict[str, _Values]:
        """Return the values by proxies, of each seed; they share passes, but are timed alone on a few."""
        label, found = f"{len(names)} proxies", []
        for number, seed in enumerate(self._seeds):

            def told(done: int, number: int = number) -> None:
                share = done / len(self._architectures)
                self._progress(label, (number + share) / len(self._seeds))

            found.append(meter.pool(self._architectures, names, seed, told).values)
        return {
            name: _Values(np.array([each[name] for each in found]), self._seconds(meter, name))
            for name in names
        }

    def _seconds(self, meter: ProxyMeter, name: str) -> float:
        """Return what one network takes by a proxy alone, over a few spread over all."""
        few = self._architectures[:: -(-len(self._architectures) // TIMED)]
        start = time.perf_counter()
        meter.pool(few, [name], self._seeds[0])
        return (time.perf_counter() - start) / len(few)

    def evaluator(self, label: str, spec: Mapping[str, Any], seed: int) -> Evaluator:
        """Return an evaluator with one seed."""
        return make_evaluator(
            {**spec, "seeds": [seed]},
            self._table.search_space,
            self._task_for(label),
            device=self._device,
            store=self._store,
        )

    def by_evaluator(self, label: str, spec: Mapping[str, Any]) -> _Values:
        """Return the scores by an evaluator, of each seed, minus infinity where it failed."""
        start, found = time.perf_counter(), []
        for number, seed in enumerate(self._seeds):
            share = number / len(self._seeds)
            evaluator = self.evaluator(label, spec, seed)
            evaluator.progress = lambda at, share=share: self._progress(
                label, share + at.share / len(self._seeds)
            )
            self._progress(label, share)
            evaluations = evaluator.evaluate_architectures(self._architectures)
            found.append([-np.inf if each.failed else each.score for each in evaluations])
        seconds = (time.perf_counter() - start) / len(self._architectures) / len(self._seeds)
        trainings = evaluator.config().get("trainings")
        return _Values(np.array(found), seconds, None if trainings is None else trainings / self._table.size)

    def by_scorer(self, scorer: Scorer) -> _Values:
        """Return the scores by one that reads the table, of each seed; its trainings are in the seconds."""
        found = []
        for number, seed in enumerate(self._seeds):
            found.append(scorer.scores(self._table, self._rows, seed))
            self._progress(scorer.label, (number + 1) / len(self._seeds))
        seconds = float(self._table.cost().mean()) * scorer.trainings / len(self._rows)
        return _Values(np.array(found), seconds, scorer.trainings / self._table.size)

    def _task_for(self, score: str) -> Task:
        if self._task is None:
            raise ConfigError(
                f"the score {score!r} needs the data of the table {self._table.name!r}, which does not say "
                "where it is: pass --task with a name, JSON or a path"
            )
        space = self._table.search_space
        if (self._task.input_shape, self._task.outputs) != (space.input_shape, space.outputs):
            raise ConfigError(
                f"the table {self._table.name!r} is of examples of {space.input_shape} and {space.outputs} "
                f"outputs, and the task {self._task.name!r} of {self._task.input_shape} and "
                f"{self._task.outputs}: pass the task that it was recorded on"
            )
        return self._task


def _check_names(scores: Sequence[Score]) -> None:
    known = [*PROXIES, *POOL_PROXIES, *EVALUATORS]
    for score in scores:
        if isinstance(score, str) and score not in known and ":" not in score:
            raise unknown("score", score, known)


def _drawn(table: Table, networks: int | None, draw: int) -> np.ndarray:
    """Return the numbers of the networks that are compared."""
    count = table.size if networks is None else networks
    if not min(LEAST_NETWORKS, table.size) <= count <= table.size:
        raise ConfigError(
            f"networks must be from {LEAST_NETWORKS} to the {table.size:,} of the table {table.name!r}, "
            f"not {count:,}"
        )
    return np.sort(np.random.default_rng(draw).choice(table.size, count, replace=False))


def _evaluators(specs: Sequence[str | Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a label and the options of each evaluator, of a supernet also of one on shuffled labels."""
    for spec in specs:
        options = options_of("score", spec)
        options.pop("seeds", None)
        label = _label(options)
        yield label, options
        if options.get("name") == "supernet" and not options.get("shuffled"):
            yield f"{label}, shuffled labels", options | {"shuffled": True}


def _label(options: Mapping[str, Any]) -> str:
    others = ", ".join(f"{name} {value}" for name, value in options.items() if name != "name")
    return f"{options.get('name')} ({others})" if others else str(options.get("name"))
