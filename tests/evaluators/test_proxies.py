"""What holds for all proxies: seeds, scores, failures, refusals, and every kind of task."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.evaluators import PROXIES, ProxyEvaluator, ProxyMeter, Request, make_evaluator
from nas_gym.evaluators.proxies.base import unit
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import table_task
from nas_gym.tasks import Task, make_task
from nas_gym.testing import check_evaluator
from tests.helpers.data.tables import fake_table
from tests.helpers.fakes import SMALL

WITH_LABELS = ("plain", "snip", "grasp", "fisher", "grad_norm", "zico")
OF_NETWORK = [name for name, proxy in PROXIES.items() if proxy.needs == "network"]
BY_SIZE = ["params", "flops", "az_complexity"]
TASK = make_task("mnist1d")
CELLS = {"name": "cell", "channels": [4, 8], "cells": 1}


def meter(space=SMALL, task=TASK):
    built = make_search_space(space, task.input_shape, task.outputs)
    return built, ProxyMeter(built, task, "cpu", batch=16)


def test_a_network_without_a_path_has_minus_infinity_and_a_reason():
    space, measure = meter(CELLS)
    broken = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    # What its third node computes leads to the output, but nothing leads to its third node.
    cut_off = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
    whole = space.parse("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    names = [*PROXIES, "az_nas"]
    found = measure.pool([broken, cut_off, whole], names, 0)
    for name in names:
        values, reasons = found.values[name], found.reasons[name]
        if name in BY_SIZE:
            assert np.isfinite(values).all()
            continue
        assert values[:2].tolist() == [-np.inf, -np.inf]
        assert reasons[:2] == ["no path leads from its input to its output"] * 2
        assert (np.isfinite(values[2]), reasons[2]) == (True, "")


def test_values_depend_on_the_seed_alone_and_leave_global_generators_alone():
    space, measure = meter(CELLS)
    drawn = [space.sample(np.random.default_rng(each)) for each in range(3)]
    names = list(PROXIES)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, other = measure.pool(drawn, names, 0), measure.pool(drawn, names, 1)
    assert torch.equal(torch.get_rng_state(), before)
    again = meter(CELLS)[1].pool(drawn[::-1], names, 0)
    for name in names:
        assert first.values[name].tolist() == again.values[name][::-1].tolist(), name
        assert (first.values[name].tolist() == other.values[name].tolist()) == (name in OF_NETWORK), name


def test_the_score_is_an_increasing_function_of_the_value():
    values = [-math.inf, -2.5e6, -3.0, -1e-3, 0.0, 1e-3, 12.0, 13.0, 1e6, 1e6 + 1, 1e12]
    scores = [unit(each) for each in values]
    assert scores == sorted(set(scores))
    assert (scores[0], unit(0.0)) == (0.0, 0.5)
    assert all(0 <= each < 1 for each in scores)


def test_the_evaluator_averages_values_over_seeds_also_behind_a_store():
    space, _ = meter(CELLS)
    spec = {"name": "proxy", "proxy": "synflow", "seeds": [0, 1, 2]}
    stored = make_evaluator(spec, space, TASK, device="cpu", store="memory")
    architecture = space.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|")
    single = [
        each.metrics["synflow"]
        for each in stored.evaluate([Request(architecture, seed) for seed in (0, 1, 2)])
    ]
    (evaluation,) = stored.evaluate_architectures([architecture])
    assert evaluation.metrics["synflow"] == pytest.approx(np.mean(single))
    assert evaluation.score == pytest.approx(unit(np.mean(single)))
    assert evaluation.seeds == (0, 1, 2)
    assert stored.hits == 3


def test_a_network_without_a_path_fails_in_the_evaluator():
    space, _ = meter(CELLS)
    evaluator = ProxyEvaluator(space, TASK, "cpu", proxy="synflow")
    broken = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    (evaluation,) = evaluator.evaluate_architectures([broken])
    assert (evaluation.failed, evaluation.score, dict(evaluation.metrics)) == (True, 0.0, {})
    assert evaluation.error == "no path leads from its input to its output"


def several_labels():
    rng = np.random.default_rng(0)
    return Task.from_arrays(rng.normal(size=(60, 2, 12)).astype(np.float32), rng.integers(2, size=(60, 3)))


KINDS = {
    "labels": ("conv", several_labels),
    "values": ("tabular", lambda: make_task("diabetes")),
    "columns": ("ft_transformer", lambda: make_task("diabetes")),
    "a forecast": ("forecaster", lambda: make_task("seasonal")),
    "series": ("recurrent", lambda: make_task("volatility")),
    "tokens of text": ("transformer", lambda: make_task("language_id")),
    "tokens, one after another": ("recurrent", lambda: make_task("language_id")),
    "tokens as answers": ("seq2seq", lambda: make_task("dates")),
    "graphs": ("graph", lambda: make_task("melting_point")),
    "cells": ("nasbench101", lambda: TASK),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_every_proxy_has_a_value_or_a_reason_in_every_space_and_of_every_kind_of_task(kind):
    name, load = KINDS[kind]
    task = load()
    space = make_search_space(name, task.input_shape, task.outputs, task.facts)
    measure = ProxyMeter(space, task, "cpu", batch=6)
    fitting = [each for each in PROXIES if each != "epe_nas" or task.target.kind == "classes"]
    found = measure.pool([space.sample(np.random.default_rng(1))], fitting, 0)
    for each in fitting:
        if each == "synflow" and name in ("recurrent", "seq2seq"):  # gates saturate
            assert np.isfinite(found.values[each]).all() or found.reasons[each] != [""]
        else:
            assert np.isfinite(found.values[each]).all(), (each, found.reasons[each])
    if fitting != list(PROXIES):
        with pytest.raises(NASGymError, match="compares examples of one class"):
            measure.check(["epe_nas"])


@pytest.mark.parametrize("proxy", ["synflow", "nwot"])
def test_the_contract_of_evaluators_holds(proxy):
    space, _ = meter()
    check_evaluator(ProxyEvaluator(space, TASK, "cpu", proxy=proxy, batch=16, recipe={"epochs": 1}))


@pytest.mark.parametrize("proxy", [*WITH_LABELS, "jacov", "nwot"])
def test_proxies_work_on_values_too(proxy):
    task = make_task("diabetes")
    space, measure = meter(task=task)
    found = measure.pool([space.sample(np.random.default_rng(2))], [proxy], 0)
    assert np.isfinite(found.values[proxy]).all(), found.reasons


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"proxy": "synfow"}, "unknown proxy 'synfow': did you mean 'synflow'"),
        ({"proxy": "az_nas"}, "a network alone has no score by it"),
        ({"proxy": "snip", "batch": 1}, "batch of a proxy must be a whole number of at least 2, not 1"),
    ],
)
def test_bad_options_are_one_sentence(options, words):
    space, _ = meter()
    refused(words, space, TASK, options)


def test_a_task_that_lacks_what_a_proxy_reads_is_one_sentence():
    diabetes = make_task("diabetes")
    space, _ = meter(task=diabetes)
    refused(
        "compares examples of one class, and the task 'diabetes' has values",
        space,
        diabetes,
        {"proxy": "epe_nas"},
    )
    table = fake_table()
    refused(
        "reads training examples, and the task 'mnist1d' has none",
        table.search_space,
        table_task(table),
        {"proxy": "snip"},
    )


def refused(words, space, task, options):
    with pytest.raises(NASGymError, match=words) as caught:
        make_evaluator({"name": "proxy", **options}, space, task, device="cpu", store="memory")
    assert "\n" not in str(caught.value)
