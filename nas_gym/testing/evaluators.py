"""What holds for every evaluator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_gym.evaluators import Evaluation, Evaluator, Request
from nas_gym.testing.assertions import global_state_kept, require, require_json


def check_evaluator(
    evaluator: Evaluator, *, architectures: int = 3, seed: int = 0, tolerance: float = 0.0
) -> None:
    """Check an evaluator on a few architectures drawn from its search space.

    It holds that

    - `stream` answers each request of a batch once, with an evaluation of that architecture, seed and
      fidelity, whose score is in [0, 1], and 0.0 without other metrics where training failed;
    - a score depends on its request alone, not on what is asked beside or before it;
    - fidelities ascend, and each of them can be asked for;
    - `test` gives one final score a seed, and metrics are finite numbers;
    - `config` is JSON-able, and the global random generators are left alone.

    Args:
        evaluator: the evaluator, built for a search space and a task.
        architectures: how many are drawn; each is evaluated about five times.
        seed: seed of the drawing.
        tolerance: how far scores of one request may differ: 0.0 on the CPU, more on CUDA.

    Raises:
        AssertionError: for the first property that does not hold, in one sentence.
    """
    _check_description(evaluator)
    rng = np.random.default_rng(seed)
    drawn = [evaluator.search_space.sample(rng) for _ in range(architectures)]
    requests = [Request(each, _seed(evaluator, each, rng)) for each in drawn]
    evaluations = _answers(evaluator, requests)
    for request, evaluation in zip(requests, evaluations, strict=True):
        _check_evaluation(request, evaluation)
    _check_purity(evaluator, requests, evaluations, tolerance)
    _check_fidelities(evaluator, requests[0])
    _check_final_scores(evaluator, drawn[0])
    require(not _answers(evaluator, []), "an empty batch must give no evaluations")


def _check_description(evaluator: Evaluator) -> None:
    require_json(evaluator.config(), "config() of the evaluator")
    seeds = evaluator.seeds
    whole = isinstance(seeds, tuple) and all(isinstance(each, int) for each in seeds)
    require(whole and seeds, f"seeds must be a tuple of whole numbers, at least one, not {seeds!r}")
    require(len(set(seeds)) == len(seeds), f"seeds must differ, not {seeds!r}")
    built, asked = ((one.input_shape, one.outputs) for one in (evaluator.search_space, evaluator.task))
    require(
        built == asked,
        f"the search space is for examples of {built[0]} and {built[1]} outputs, the task has {asked[0]} and "
        f"{asked[1]}",
    )


def _seed(evaluator: Evaluator, architecture: Any, rng: np.random.Generator) -> int:
    return evaluator.draw(architecture, rng) if evaluator.draws else evaluator.seeds[0]


def _answers(evaluator: Evaluator, requests: list[Request]) -> list[Evaluation]:
    found: dict[int, Evaluation] = {}
    for position, evaluation in evaluator.stream(requests):
        inside = position in range(len(requests))
        require(inside, f"stream() answers request {position} of {len(requests)}")
        require(position not in found, f"stream() answers request {position} twice")
        found[position] = evaluation
    missing = sorted(set(range(len(requests))) - set(found))
    require(not missing, f"stream() leaves the requests {missing} without an evaluation")
    return [found[position] for position in range(len(requests))]


def _check_evaluation(request: Request, evaluation: Evaluation) -> None:
    text = str(request.architecture)
    require(evaluation.architecture == text, f"{text!r} was asked for, not {evaluation.architecture!r}")
    told = (evaluation.seeds, evaluation.fidelity)
    asked = ((request.seed,), request.fidelity)
    require(told == asked, f"the evaluation of {text!r} is of seeds and fidelity {told}, not {asked}")
    score = evaluation.score
    require(0 <= score <= 1, f"the score of {text!r} must be in [0, 1], not {score!r}")
    require(evaluation.status in ("ok", "failed"), f"the status of {text!r} is {evaluation.status!r}")
    _check_metrics(text, evaluation.metrics)
    if evaluation.failed:
        explained = score == 0.0 and not evaluation.metrics and evaluation.error
        require(explained, f"{text!r} failed: its score must be 0.0, without metrics, and an error says why")
    cost = evaluation.seconds
    require(math.isfinite(cost) and cost >= 0, f"the seconds of {text!r} must be at least 0, not {cost!r}")
    require_json(evaluation.as_dict(), f"the evaluation of {text!r}")
    same = Evaluation.from_dict(evaluation.as_dict()) == evaluation
    require(same, f"the evaluation of {text!r} must survive as_dict and from_dict")


def _check_purity(
    evaluator: Evaluator, requests: list[Request], evaluations: list[Evaluation], tolerance: float
) -> None:
    with global_state_kept("evaluating"):  # not the first time, when packages are imported
        backwards = _answers(evaluator, requests[::-1])[::-1]
        alone = [_answers(evaluator, [request])[0] for request in requests]
    for request, first, other, single in zip(requests, evaluations, backwards, alone, strict=True):
        for again, when in ((other, "in another order"), (single, "alone")):
            same = abs(again.score - first.score) <= tolerance and again.status == first.status
            values = f"{again.score!r} and not {first.score!r}"
            require(same, f"{str(request.architecture)!r} asked for {when} has the score {values}")


def _check_fidelities(evaluator: Evaluator, request: Request) -> None:
    fidelities = evaluator.fidelities()
    ascending = list(fidelities) == sorted(set(fidelities))
    require(ascending, f"fidelities must ascend, not {fidelities}")
    for fidelity in fidelities[:1]:
        short = Request(request.architecture, request.seed, fidelity)
        _check_evaluation(short, _answers(evaluator, [short])[0])


def _check_final_scores(evaluator: Evaluator, architecture: Any) -> None:
    seeds = evaluator.final_seeds(0, 2)
    scores = evaluator.test(architecture, seeds)
    text = str(architecture)
    told = [score.seed for score in scores]
    require(told == seeds, f"test() of {text!r} must score the seeds {seeds}, not {told}")
    for score in scores:
        for name, value in (("test", score.test_score), ("validation", score.validation_score)):
            require(0 <= value <= 1, f"the {name} score of {text!r} must be in [0, 1], not {value!r}")
        _check_metrics(text, score.metrics)


def _check_metrics(text: str, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        number = isinstance(value, int | float) and math.isfinite(value)
        require(number, f"the metric {name!r} of {text!r} must be a finite number, not {value!r}")
