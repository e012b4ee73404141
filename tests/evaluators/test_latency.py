"""Latency: measured in turn, kept by machine, predicted by layer, apart from trainings."""

import json
import sqlite3
from collections import Counter

import gymnasium as gym
import numpy as np
import pytest
import torch

from nas_gym import NASGymError
from nas_gym.evaluators import HowMeasured, LatencyEvaluator, MeasuredLatency, make_evaluator
from nas_gym.evaluators.latency.additive import AdditiveModel, layers_of
from nas_gym.evaluators.latency.kept import KeptLatencies
from nas_gym.evaluators.latency.measuring import Timing, measure
from nas_gym.search_spaces import make_search_space
from nas_gym.training import processor_name
from tests.helpers.environments import tiny_task

QUICK = {"warmup": 1, "repeats": 3, "rounds": 1}
SPACE = {"name": "mlp", "max_layers": 2, "widths": [16, 64], "activations": ["relu", "tanh"]}


class FakeMachine:
    """A clock that passes move on by what they last; from some rounds on everything takes longer."""

    def __init__(self, lasts, loaded_rounds=(), drift=0.0):
        self.now, self.lasts, self.order = 0.0, lasts, []
        self.loaded, self.drift = loaded_rounds, drift

    def __call__(self):
        return self.now

    def passes(self):
        return [lambda number=number: self._run(number) for number in range(len(self.lasts))]

    def _run(self, number):
        self.order.append(number)
        turn = (len(self.order) - 1) // self.per_round
        slower = 10.0 if turn in self.loaded else 1.0 + self.drift * len(self.order)
        self.now += self.lasts[number] * slower

    def measured(self, timing, seed=0):
        self.per_round = len(self.lasts) * (timing.warmup + timing.repeats // timing.rounds)
        return measure(self.passes(), timing, np.random.default_rng(seed), clock=self)


def test_the_median_of_all_rounds_is_what_is_measured():
    found = FakeMachine([0.001, 0.002, 0.005]).measured(Timing(warmup=2, repeats=9, rounds=3))
    assert found.milliseconds == pytest.approx([1, 2, 5])
    assert found.spread == pytest.approx([0, 0, 0], abs=1e-9)
    assert (found.stability, found.rejected) == (pytest.approx(1.0), 0)


def test_each_round_measures_every_network_in_an_order_of_its_own():
    machine = FakeMachine([1.0] * 8)
    machine.measured(Timing(warmup=0, repeats=3, rounds=3))
    rounds = [machine.order[start : start + 8] for start in (0, 8, 16)]
    assert all(sorted(each) == list(range(8)) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_a_round_in_which_something_else_ran_is_thrown_away():
    found = FakeMachine([0.001, 0.002], loaded_rounds=(1,)).measured(Timing(warmup=0, repeats=9, rounds=3))
    assert found.milliseconds == pytest.approx([1, 2])
    assert found.rejected == 1


def test_a_machine_that_is_always_busy_is_measured_all_the_same():
    timing = Timing(warmup=0, repeats=9, rounds=3)
    found = FakeMachine([0.001, 0.002], loaded_rounds=(0, 1, 3, 4, 5)).measured(timing)
    assert len(found.milliseconds) == 2
    assert found.rejected == 3


def test_ranks_that_change_between_rounds_have_a_low_stability():
    rng = np.random.default_rng(0)
    lasts = [0.001 + 1e-9 * rng.random() for _ in range(12)]
    steady = FakeMachine([0.001 * (1 + number) for number in range(12)], drift=1e-4)
    timing = Timing(warmup=0, repeats=6, rounds=3)
    assert FakeMachine(lasts, drift=1e-3).measured(timing).stability < 0.7
    assert steady.measured(timing).stability == pytest.approx(1.0)


def planted(weights, count, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    networks = [Counter({kind: int(rng.integers(0, 4)) for kind in weights}) for _ in range(count)]
    exact = np.array([0.5 + sum(weights[kind] * n for kind, n in each.items()) for each in networks])
    return networks, exact * (1 + noise * rng.standard_normal(count))


def test_a_latency_that_is_a_sum_over_layers_is_predicted():
    weights = {"conv": 1.0, "pool": 0.1, "skip": 0.0}
    networks, measured = planted(weights, 40)
    model = AdditiveModel.fit(networks, measured)
    others, expected = planted(weights, 20, seed=1)
    assert model.predict(others) == pytest.approx(expected, rel=0.02)
    assert model.error.median < 0.01
    assert model.error.tau > 0.95


def test_the_error_of_predictions_is_what_new_networks_show():
    weights = {"conv": 1.0, "pool": 0.3}
    model = AdditiveModel.fit(*planted(weights, 200, noise=0.1))
    others, measured = planted(weights, 400, noise=0.1, seed=1)
    off = np.abs(model.predict(others) - measured) / measured
    assert model.error.median == pytest.approx(np.median(off), abs=0.02)
    assert model.error.within == pytest.approx((off <= 0.1).mean(), abs=0.08)
    assert "each left out" in str(model.error)


def test_no_layer_makes_a_network_faster():
    rng = np.random.default_rng(0)
    networks, _ = planted({"conv": 1.0, "pool": 1.0}, 30)
    model = AdditiveModel.fit(networks, rng.random(30) + 0.1)
    assert (model.weights >= 0).all()
    assert model.constant >= 0


def test_layers_are_counted_by_operation_options_and_shapes():
    space = make_search_space("mlp", (1, 16), 2)
    counts = layers_of(space.network(space.parse("relu-16 > relu-16 > relu-16")))
    same = [kind for kind, count in counts.items() if count == 3]
    assert any(kind.startswith("linear") and "(16,)" in kind for kind in same)


def test_what_was_measured_is_measured_once_on_a_machine(tmp_path):
    space = make_search_space(SPACE, (1, 16), 2)
    how = HowMeasured(**QUICK)
    first = MeasuredLatency(space, how, "cpu", tmp_path / "kept")
    found = first.of(list(space)[:5])
    assert all(each > 0 for each in found)
    again = MeasuredLatency(space, how, "cpu", tmp_path / "kept")
    assert again.of(list(space)[:5]) == found
    assert again.measurement is None
    with sqlite3.connect(tmp_path / "kept") as database:
        rows = database.execute("SELECT machine, architecture FROM latencies").fetchall()
    assert {machine for machine, _ in rows} == {processor_name()}
    assert len(rows) == 5


@pytest.mark.parametrize("other", [{"threads": 2}, {"batch": 4}])
def test_another_number_of_threads_or_examples_is_measured_anew(tmp_path, other):
    space = make_search_space(SPACE, (1, 16), 2)
    MeasuredLatency(space, HowMeasured(**QUICK), "cpu", tmp_path / "kept").of(list(space)[:2])
    another = MeasuredLatency(space, HowMeasured(**QUICK, **other), "cpu", tmp_path / "kept")
    another.of(list(space)[:2])
    assert another.measurement is not None


def test_the_value_first_kept_is_the_value(tmp_path):
    key = {"machine": "m", "architecture": "a"}
    one, other = KeptLatencies(tmp_path / "kept"), KeptLatencies(tmp_path / "kept")
    assert other.find([key]) == [None]
    one.keep([key], [(1.0, 0.1)])
    other.keep([key], [(2.0, 0.1)])
    assert one.find([key]) == other.find([key]) == [1.0]


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "kept").write_text("no database" * 100)
    with pytest.raises(NASGymError, match="move the file away"):
        KeptLatencies(tmp_path / "kept").find([{"machine": "m", "architecture": "a"}])


def test_measuring_leaves_the_number_of_threads_as_it_was():
    before = torch.get_num_threads()
    space = make_search_space(SPACE, (1, 16), 2)
    MeasuredLatency(space, HowMeasured(**QUICK, threads=before + 1), "cpu").of(list(space)[:1])
    assert torch.get_num_threads() == before


def test_others_are_predicted_from_those_that_are_measured():
    space = make_search_space(SPACE, (1, 16), 2)
    latency = MeasuredLatency(space, HowMeasured(**QUICK, predict_from=12), "cpu")
    found = latency.of(list(space))
    assert len(found) == space.size
    assert len(latency.measurement.milliseconds) <= 12
    assert "measured networks" in latency.about
    assert f"on {processor_name()}, 1 thread, batches of 1" in latency.about


def test_a_latency_is_among_the_metrics_and_in_no_key_of_a_training(tmp_path):
    task = tiny_task()
    space = make_search_space(SPACE, task.input_shape, task.outputs)
    spec = {"name": "train", "recipe": {"epochs": 1}}
    plain = make_evaluator(spec, space, task, device="cpu", store=tmp_path / "store.db")
    timed = make_evaluator(spec | {"latency": QUICK}, space, task, device="cpu", store=tmp_path / "store.db")
    architectures = list(space)[:2]
    without = plain.evaluate_architectures(architectures)
    found = timed.evaluate_architectures(architectures)
    assert timed.hits == 2
    assert [one.score for one in found] == [one.score for one in without]
    assert all(one.metrics["latency"] > 0 for one in found)
    assert not any("latency" in one.metrics for one in without)
    assert (tmp_path / "store.db.latency").exists()
    assert timed.config() == plain.config() | {"latency": QUICK}
    streamed = dict(timed.stream([]))
    assert streamed == {}


def test_an_environment_counts_store_and_budget_as_before():
    options = {"evaluator": {"name": "table", "benchmark": "mlp", "latency": QUICK}, "store": "memory"}
    env = gym.make("NAS-v0", reward={"name": "tunas", "cost": "latency", "target": 0.05}, **options)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(1)
    evaluation = env.unwrapped.evaluate(str(info["architecture"]))
    assert reward == pytest.approx(info["score"] - 0.1 * abs(evaluation.metrics["latency"] / 0.05 - 1))
    assert env.unwrapped.stats.unique == 1
    assert isinstance(env.unwrapped.evaluator, LatencyEvaluator)
    assert json.loads(json.dumps(env.unwrapped.config()))["evaluator"]["latency"] == QUICK
    assert not env.unwrapped.evaluator.free


@pytest.mark.parametrize(
    ("latency", "message"),
    [
        (3, "must be 'here', the name of a device"),
        ({"thread": 1}, "unknown option of the latency 'thread'.*did you mean 'threads'"),
        ({"threads": 0}, "threads of the latency must be a whole number of at least 1"),
        ({"predict_from": 2}, "at least 10"),
        ("pixel3", "run 'nas-gym benchmark import-latency FILE --table mlp-mnist1d'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(latency, message):
    with pytest.raises(NASGymError, match=message) as caught:
        gym.make("NAS-v0", evaluator={"name": "table", "benchmark": "mlp", "latency": latency})
    assert "\n" not in str(caught.value)


def test_a_device_without_a_table_is_refused():
    with pytest.raises(NASGymError, match="are of a table, and the evaluator has none"):
        gym.make("NAS-v0", evaluator={"name": "train", "latency": "pixel3"}, store="memory")
