"""The function evaluator: any callable as a landscape, pure noise by seed, mistakes in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent
from scipy.stats import kstest

import nas_gym  # noqa: F401 - registers the ids
from nas_gym import NASGymError
from nas_gym.evaluators import FunctionFailed
from nas_gym.evaluators.function import standard_normal
from nas_gym.traces import Trace, replay

HERE = "tests.evaluators.test_function_evaluator"


def by_depth(architecture: Any) -> float:
    """Deeper is better."""
    return 0.2 * len(architecture.layers)


def by_seed(architecture: Any, seed: int) -> float:
    """Later seeds are better."""
    return 0.1 * seed


def hidden(architecture: Any) -> float:
    """A test score that validation does not show."""
    return 0.125


class Weighted:
    """A callable object."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, architecture: Any) -> float:
        return self.weight * len(architecture.layers)


def environment(function: Any = f"{HERE}:by_depth", **options: Any) -> Any:
    return gym.make(
        "NAS-v0", task="breast_cancer", evaluator={"name": "function", "function": function, **options}
    )


def score(env: Any, text: str = "relu-16 > relu-16") -> float:
    return float(env.unwrapped.evaluate(text).score)


def refusal(**options: Any) -> str:
    with pytest.raises(NASGymError) as caught:
        score(environment(**options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("function", [f"{HERE}:by_depth", by_depth, lambda a: 0.4, Weighted(0.2)])
def test_the_score_is_what_the_function_says(function: Any) -> None:
    evaluation = environment(function).unwrapped.evaluate("relu-16 > relu-16")
    assert evaluation.score == 0.4
    assert evaluation.curve == (0.4,)
    assert evaluation.parameters == 30 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2


def test_a_function_may_take_the_training_seed_and_seeds_are_averaged() -> None:
    assert score(environment(by_seed, seeds=[3])) == pytest.approx(0.3)
    assert score(environment(lambda a, seed: 0.1 * seed, seeds=[1, 2])) == pytest.approx(0.15)
    assert score(environment(lambda a, seed=5: 0.1 * seed, seeds=[1])) == pytest.approx(0.1)


def test_noise_is_normal_and_depends_on_seed_and_architecture_alone() -> None:
    draws = [standard_normal(f"architecture {number}", seed) for number in range(500) for seed in (0, 1)]
    assert kstest(draws, "norm").pvalue > 0.01
    assert abs(np.corrcoef(draws[::2], draws[1::2])[0, 1]) < 0.1
    one, other = (environment(noise=0.05, seeds=[7]) for _ in range(2))
    score(other, "tanh-64")
    assert score(one) == score(other) == pytest.approx(0.4 + 0.05 * standard_normal("relu-16 > relu-16", 7))


def test_noisy_scores_stay_in_their_range() -> None:
    values = [score(environment(lambda a: 1.0, noise=0.5, seeds=[seed])) for seed in range(8)]
    assert max(values) == 1.0
    assert min(values) >= 0.0


def test_a_final_score_is_without_the_noise_or_of_a_function_of_its_own() -> None:
    space = environment().unwrapped.search_space
    architecture = space.parse("relu-16")
    (plain,) = environment(noise=0.1).unwrapped.evaluator.test(architecture, [5])
    assert plain.test_score == 0.2
    assert plain.validation_score == pytest.approx(0.2 + 0.1 * standard_normal("relu-16", 5))
    (own,) = environment(test=f"{HERE}:hidden").unwrapped.evaluator.test(architecture, [5])
    assert own.test_score == 0.125


def test_a_function_can_say_that_training_failed() -> None:
    def fails(architecture: Any) -> float:
        raise FunctionFailed("it diverged")

    evaluation = environment(fails).unwrapped.evaluate("relu-16")
    assert (evaluation.status, evaluation.score, evaluation.error) == ("failed", 0.0, "it diverged")
    (score,) = environment(fails).unwrapped.evaluator.test(evaluation.architecture, [1])
    assert score.status == "failed"


@pytest.mark.parametrize("answer", [float("nan"), 1.5, -0.1, None, "0.5", 1 + 2j])
def test_an_answer_that_is_no_score_is_refused_in_a_sentence(answer: Any) -> None:
    found = refusal(function=lambda a: answer)
    assert f"returned {answer!r}" in found
    assert "return a score in [0, 1]" in found


def test_an_exception_of_the_function_is_named() -> None:
    found = refusal(function=lambda a: 1 / 0)
    assert "ZeroDivisionError (division by zero)" in found
    assert "'relu-16 > relu-16'" in found


def test_numpy_numbers_are_numbers() -> None:
    assert score(environment(lambda a: np.float32(0.5))) == 0.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"function": 3}, "must be a callable or 'module:name'"),
        ({"function": "by_depth"}, "unknown function 'by_depth'"),
        ({"function": "no.module:name"}, "cannot be imported"),
        ({"function": lambda a, b, c: 0.5}, "(architecture) or (architecture, seed)"),
        ({"noise": -1}, "noise of the function evaluator must be a number of at least 0"),
        ({"noise": "much"}, "noise of the function evaluator"),
        ({"seconds": float("nan")}, "seconds of the function evaluator"),
        ({"seeds": []}, "seeds must be a list"),
        ({"test": 1}, "the test function must be a callable"),
        ({"nose": 0.1}, "did you mean 'noise'"),
    ],
)
def test_a_bad_option_is_refused_in_a_sentence(options: dict[str, Any], words: str) -> None:
    assert words in refusal(**options)


def test_a_fidelity_is_refused() -> None:
    with pytest.raises(NASGymError, match="fidelit"):
        environment().unwrapped.evaluate("relu-16", 3)


def test_cost_counts_against_a_budget_in_seconds() -> None:
    env = environment(seconds=2.5).unwrapped
    env.evaluate(["relu-16", "tanh-16"])
    assert env.stats.cost == 5.0


def test_the_specification_is_json_and_builds_the_same_again() -> None:
    env = environment(noise=0.01, seeds=[4])
    json.loads(env.spec.to_json())
    config = json.loads(json.dumps(env.unwrapped.config()["evaluator"]))
    assert config["function"] == f"{HERE}:by_depth"
    again = gym.make("NAS-v0", task="breast_cancer", evaluator=config)
    assert score(again) == score(env)
    assert environment(by_depth).unwrapped.config()["evaluator"]["function"] == f"{HERE}:by_depth"


def run(folder: Path, function: Any) -> Path:
    env = Trace(environment(function, noise=0.02), folder, agent="q-learning", config={"seed": 0})
    result = make_agent("q-learning").search(env, 12, 0)
    env.finish(result.as_dict())
    env.close()
    return folder


def test_a_run_is_replayed_exactly(tmp_path: Path) -> None:
    report = replay(run(tmp_path / "run", by_depth))
    assert report.ok
    assert report.steps > 0
    assert report.tolerance == 0.0


def test_a_run_of_a_function_without_a_path_says_so(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", lambda a: 0.5)
    with pytest.raises(NASGymError, match=r"cannot be imported.*pass env"):
        replay(folder)
