"""What is asked of an evaluator and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from statistics import fmean
from typing import Any, Literal, NoReturn

from nas_gym._checks import plain
from nas_gym.search_spaces import Architecture

Status = Literal["ok", "failed"]


@dataclass(frozen=True, slots=True)
class Request:
    """One training run asked for.

    Attributes:
        architecture: architecture of the evaluator's search space.
        seed: training seed, of the initial weights and the order of the batches.
        fidelity: epochs to train under the full recipe's schedule; None for all of them.
    """

    architecture: Architecture
    seed: int
    fidelity: int | None = None

    def __post_init__(self) -> None:
        # Keys of the store and JSON hold Python's numbers.
        object.__setattr__(self, "seed", plain(self.seed))
        object.__setattr__(self, "fidelity", plain(self.fidelity))


class Metrics(dict[str, float]):
    """Metrics by name: a dict that cannot be changed, since evaluations are shared and hashed."""

    def _refuse(self, *arguments: Any, **named: Any) -> NoReturn:
        raise TypeError("the metrics of an evaluation cannot be changed: make a dict of them first")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[Metrics], tuple[dict[str, float]]]:
        return Metrics, (dict(self),)  # a pickled dict is otherwise filled key by key


NO_METRICS = Metrics()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What training an architecture gave. Scores on test examples are kept apart (see `Evaluator.test`).

    Attributes:
        architecture: its text.
        score: validation score after the last epoch, in [0, 1], higher is better; 0.0 if failed. Of
            classes it is the accuracy, see `nas_gym.tasks.Target`.
        curve: validation score after each epoch, as far as training went.
        parameters: trainable parameters.
        flops: floating-point operations of a forward pass of one example.
        seconds: recorded seconds of training; of several seeds their sum.
        status: ``"ok"`` or ``"failed"`` (divergence, or more parameters than the recipe allows).
        error: why it failed, "" otherwise.
        seeds: the training seeds it stands for.
        fidelity: epochs trained, None for the full recipe.
        metrics: other metrics after the last epoch by name, in the units of the data; {} if failed. They
            cannot be changed.
    """

    architecture: str
    score: float
    curve: tuple[float, ...]
    parameters: int
    flops: int
    seconds: float
    status: Status
    error: str
    seeds: tuple[int, ...]
    fidelity: int | None = None
    metrics: Mapping[str, float] = NO_METRICS

    def __post_init__(self) -> None:
        if self.metrics.__class__ is not Metrics:
            object.__setattr__(self, "metrics", Metrics(self.metrics))

    @property
    def failed(self) -> bool:
        """Whether the evaluation failed."""
        return self.status == "failed"

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict of all attributes."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"curve": list(self.curve), "seeds": list(self.seeds), "metrics": dict(self.metrics)}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Evaluation:
        """Return the inverse of `as_dict`."""
        return Evaluation(**(values | {"curve": tuple(values["curve"]), "seeds": tuple(values["seeds"])}))


@dataclass(frozen=True, slots=True)
class FinalScore:
    """A chosen network retrained with one seed, for the final report alone.

    Attributes:
        seed: training seed.
        validation_score, test_score: in [0, 1]; 0.0 if training failed.
        status: as in `Evaluation`.
        error: as in `Evaluation`.
        metrics: other metrics on the test examples by name, as in `Evaluation`.
    """

    seed: int
    validation_score: float
    test_score: float
    status: Status = "ok"
    error: str = ""
    metrics: Mapping[str, float] = NO_METRICS

    def __post_init__(self) -> None:
        if self.metrics.__class__ is not Metrics:
            object.__setattr__(self, "metrics", Metrics(self.metrics))


def mean(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Merge one architecture's evaluations with several seeds into one: scores averaged, seconds added.

    Metrics that all of them have are averaged, too. The merged one failed if one of them did, since an
    architecture that sometimes diverges is not trustworthy.
    """
    first = evaluations[0]
    if len(evaluations) == 1:
        return first
    failed = next((evaluation for evaluation in evaluations if evaluation.failed), None)
    curves = zip(*(evaluation.curve for evaluation in evaluations), strict=False)
    shared = (
        [] if failed else [name for name in first.metrics if all(name in one.metrics for one in evaluations)]
    )
    return replace(
        first,
        score=0.0 if failed else fmean(evaluation.score for evaluation in evaluations),
        curve=tuple(fmean(values) for values in curves),
        metrics={name: fmean(one.metrics[name] for one in evaluations) for name in shared},
        seconds=sum(evaluation.seconds for evaluation in evaluations),
        status="failed" if failed else "ok",
        error=failed.error if failed else "",
        seeds=tuple(seed for evaluation in evaluations for seed in evaluation.seeds),
    )


def incumbent(
    evaluations: Sequence[Evaluation], worth: Callable[[Evaluation], float] | None = None
) -> Evaluation:
    """Return the one to choose, the best by `standing`: the first of ties, so the first of all if all failed.

    Args:
        evaluations: at least one, in order of first request.
        worth: see `standing`.
    """
    return max(evaluations, key=lambda evaluation: standing(evaluation, worth))


def standing(
    evaluation: Evaluation, worth: Callable[[Evaluation], float] | None = None
) -> tuple[float, float]:
    """Return what evaluations are ranked by: fidelity first, then score; failed ones below all others.

    Scores of different fidelities are never compared: an hour of training and a minute measure
    different things.

    Args:
        evaluation: the one to rank.
        worth: what it is worth, under a reward that is not its score; None for the score.
    """
    if evaluation.failed:
        return (-1.0, 0.0)
    fidelity = inf if evaluation.fidelity is None else float(evaluation.fidelity)
    return (fidelity, evaluation.score if worth is None else worth(evaluation))
