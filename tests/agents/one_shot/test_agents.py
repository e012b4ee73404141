"""What holds for every agent that searches on shared weights."""

from __future__ import annotations

import itertools
import json
import random
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import AGENTS, BetaDARTS, Result, make_agent
from nas_agents.one_shot.differentiable import never_chosen
from nas_agents.one_shot.paths import SharedWeights
from nas_agents.one_shot.removal import losses_without, without
from scipy.stats import spearmanr

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import DataWarning, NASGymError
from nas_gym.evaluators import TrainEvaluator
from nas_gym.networks import Blend
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces import Trace
from nas_gym.traces.wrapper import NoTrace
from nas_gym.training import PASSES, MixtureTraining, PathTraining
from tests.helpers.mixtures import mixture_training
from tests.helpers.own_space import OwnSpace
from tests.helpers.supernets import CELL, MACRO, NARROW, RECIPE, signals, space_of

TASK = signals(120, 8)
SMALL = CELL | {"channels": [4], "operations": ["none", "skip_connect", "nor_conv_3x3"]}
CHAIN = {"name": "mlp", "max_layers": 2, "widths": [8], "activations": ["relu", "tanh"]}
PATHS = ["enas", "random-sharing", "spos"]
MIXTURES = ["beta-darts", "darts", "drnas", "gdas", "pc-darts", "proxyless"]
QUIET = {
    "enas": {"candidates": 10, "aggregated": 5},
    "random-sharing": {"candidates": 20},
    "spos": {"population": 8, "generations": 3},
    **{name: {"diagnosis": False} for name in MIXTURES},
    "pc-darts": {"diagnosis": False, "partial": 2},
}
FORMS = {
    **QUIET,
    "darts of order 2": {"name": "darts", "order": 2, "diagnosis": False},
    "proxyless by reinforce": {"name": "proxyless", "reinforce": True, "omega": -0.1, "diagnosis": False},
    "random-sharing of 3 paths": {"name": "random-sharing", "paths": 3, "candidates": 20},
    "proxyless with cost": {"name": "proxyless", "cost_weight": 0.5, "diagnosis": False},
}


def environment(space=SMALL, task=TASK, recipe=RECIPE, **options):
    evaluator = {"name": "train", "recipe": recipe}
    return gym.make("NAS-v0", search_space=space, task=task, evaluator=evaluator, store="memory", **options)


def search(form, budget=8, seed=0, env=None, **options):
    spec = {"name": form} | FORMS.get(form, {}) | options
    return make_agent(spec).search(env or environment(), budget, seed)


def without_seconds(result):
    values = result.as_dict()
    for each in values["evaluations"]:
        del each["seconds"]
    return {name: value for name, value in values.items() if name not in ("seconds", "charges")}


def test_these_are_the_agents_that_search_by_gradients():
    assert sorted(name for name in AGENTS if AGENTS[name].access == "gradient") == sorted(PATHS + MIXTURES)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_seed_gives_the_same_choice_and_the_budget_is_spent(form):
    agent = make_agent({"name": form} | FORMS[form])
    env = environment()
    budget = 8 if "order" in form else 6  # an epoch of the second order costs more
    first = agent.search(env, budget, 3)
    spent = env.unwrapped.ledger.spent
    assert without_seconds(agent.search(environment(), budget, 3)) == without_seconds(first)
    assert spent == pytest.approx(sum(first.shares))
    # Of paths, what the scores of small networks and of repeats leave is not spent.
    assert (4 if form in PATHS else budget - 1e-6) <= spent <= budget + 1e-6
    assert [each.architecture for each in first.evaluations] == [first.architecture]
    assert first.seconds == pytest.approx(sum(first.charges))
    assert first.stopped == "budget"
    assert first.policy is None
    assert Result.from_dict(json.loads(json.dumps(first.as_dict(), allow_nan=False))) == first


@pytest.mark.parametrize("form", QUIET)
def test_seeds_lead_to_different_choices(form):
    assert len({search(form, budget=6, seed=seed).architecture for seed in range(2)}) == 2


@pytest.mark.parametrize("form", ["random-sharing", "darts"])
def test_the_choice_is_trained_alone(form):
    env = environment()
    result = search(form, budget=4, env=env)
    space = env.unwrapped.search_space
    alone = TrainEvaluator(space, TASK, "cpu", recipe=RECIPE)
    assert result.score == alone.scores([space.parse(result.architecture)])[0]


@pytest.mark.parametrize("form", PATHS)
def test_several_finalists_are_trained_alone_within_the_budget(form):
    result = search(form, budget=6, finalists=3)
    assert len(result.evaluations) == 3
    assert result.score == max(each.score for each in result.evaluations)
    assert sum(result.shares) <= 6 + 1e-6
    assert result.shares[1:] == (1.0, 1.0)


@pytest.mark.parametrize("form", ["random-sharing", "spos"])
def test_the_best_of_a_pool_are_scored_first(form, monkeypatch):
    scored, score = [], SharedWeights.score
    monkeypatch.setattr(SharedWeights, "score", lambda self, one: scored.append(one) or score(self, one))
    env = environment(SMALL | {"operations": ["none", "nor_conv_3x3"]})
    search(form, budget=4, env=env, warm_start={"proxy": "params", "pool": 64})
    space = env.unwrapped.search_space
    parameters = [space.network(each).parameters for each in scored[:2]]
    assert parameters == sorted((space.network(each).parameters for each in space), reverse=True)[:2]


@pytest.mark.parametrize("form", QUIET)
def test_the_test_part_and_global_states_are_left_alone(form, monkeypatch, capfd):
    def refuse(self, *arguments):
        raise AssertionError("test examples were asked for during a search")

    monkeypatch.setattr(TrainEvaluator, "test", refuse)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = search(form, budget=6)
    assert capfd.readouterr() == ("", "")
    assert random.getstate() == expected[0]
    assert np.array_equal(np.random.get_state()[1], expected[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), expected[2])
    assert torch.get_num_threads() == threads
    torch.manual_seed(7)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert search(form, budget=6).architecture == first.architecture
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("form", PATHS)
def test_paths_search_spaces_that_have_no_mixture(form):
    assert len(search(form, budget=4, env=environment({"name": "conv", "max_layers": 2})).evaluations) == 1


@pytest.mark.parametrize("form", ["darts", "gdas", "proxyless"])
def test_gradients_search_other_spaces_of_separate_choices(form):
    assert len(search(form, budget=8, env=environment(MACRO)).evaluations) == 1
    with pytest.warns(
        DataWarning, match="every network of the mlp space at depth 2, and never chooses another"
    ):
        found = search(form, budget=8, env=environment(CHAIN))
    assert found.architecture.count(">") == 1  # two layers


def test_a_search_by_gradients_names_no_depth_where_it_leaves_no_network_out():
    blocks = {"name": "transformer", "max_layers": 2, "channels": 4, "blocks": ["identity", "feedforward"]}
    blocks |= {"norms": ["rms"], "widths": [8], "activations": ["gelu"]}
    for options in (MACRO, CHAIN | {"max_layers": 1}, blocks):
        space = make_search_space(options, (5, 8), 3)
        assert never_chosen(space, space.mixture()) == ""


@pytest.mark.parametrize("form", PATHS)
def test_every_step_of_several_paths_has_as_many(form, monkeypatch):
    counts, step = [], PathTraining._step

    def counted(self, x, targets, paths):
        counts.append(len(paths))
        return step(self, x, targets, paths)

    monkeypatch.setattr(PathTraining, "_step", counted)
    search(form, budget=6, paths=2)
    assert set(counts) == {2}


def test_what_is_known_of_an_epoch_is_shown(monkeypatch):
    shown = {}
    monkeypatch.setattr(
        "nas_agents.one_shot.search.SharedSearch.show",
        lambda self, values, epoch: shown.setdefault(epoch, {}).update(values),
    )
    for form, names in (("enas", {"loss", "reward", "controller_entropy"}), ("darts", {"loss"})):
        search(form, budget=6)
        assert set(shown[1]) == names
        assert all(np.isfinite(value) for values in shown.values() for value in values.values())
        shown.clear()


def refused(words, form, **options):
    with pytest.raises(NASGymError, match=words) as caught:
        search(form, **options)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_refused_in_one_sentence():
    conv = environment({"name": "conv", "max_layers": 2})
    refused("has no mixture of its candidates, since 'layer 1 operation' and", "darts", env=conv)
    refused("no mixture of a part of the channels", "pc-darts", env=environment(MACRO))
    refused("pass a budget in evaluations alone", "gdas", budget={"seconds": 50.0})
    refused("pass a budget in evaluations alone", "spos", budget={"evaluations": 5, "minutes": 1})
    refused("a budget of 1 leaves nothing to train shared weights for", "darts", budget=1)
    refused("one epoch of the shared weights costs as much as", "darts", budget=2)
    refused("leaves nothing", "enas", budget=3, finalists=3)
    folds = environment(task=make_task({"name": "breast_cancer", "folds": 3}), space=NARROW)
    refused("leave folds out", "random-sharing", env=folds)
    refused("looks networks up in a table without them", "spos", env=gym.make("NASTable-MLP-v0"))
    for cheap in ({"name": "supernet", "recipe": RECIPE}, {"name": "proxy", "proxy": "params"}):
        env = gym.make("NAS-v0", search_space=SMALL, task=TASK, evaluator=cheap, store="memory")
        refused(f"scores networks by '{cheap['name']}': search with the evaluator 'train'", "darts", env=env)
    several = gym.make("NASMultiObjective-v0", search_space=SMALL, task=TASK, store="memory")
    refused("the reward looks at more", "darts", env=several)
    small = {"name": "constraint", "at_most": {"parameters": 100}}
    refused("the reward looks at more", "enas", env=environment(reward=small))
    own = environment(space=space_of({"name": "tests.helpers.own_space:OwnSpace"}, TASK))
    assert isinstance(own.unwrapped.search_space, OwnSpace)
    refused("has no place in the search space", "random-sharing", env=own)


BAD = [
    ("darts", "order", 3),
    ("darts", "learning_rate", 0),
    ("darts", "arch_learning_rate", "fast"),
    ("darts", "when_collapsing", "panic"),
    ("gdas", "tau_last", 0),
    ("drnas", "regularisation", -1),
    ("beta-darts", "lambda_last", -1),
    ("pc-darts", "partial", 1),
    ("pc-darts", "frozen", 2),
    ("proxyless", "target", 0),
    ("proxyless", "omega", 1),
    ("proxyless", "reinforce", "yes"),
    ("enas", "aggregated", 0),
    ("enas", "momentum", 1),
    ("spos", "mutation", 0),
    ("spos", "parents", 0),
    ("random-sharing", "candidates", 0),
    ("random-sharing", "finalists", 0),
    ("spos", "paths", 0),
]


@pytest.mark.parametrize(("name", "hyperparameter", "value"), BAD)
def test_a_hyperparameter_out_of_range_is_refused_by_name(name, hyperparameter, value):
    with pytest.raises(NASGymError, match=hyperparameter):
        make_agent({"name": name, hyperparameter: value})


def readings(folder):
    return [json.loads(line) for line in (folder / "one_shot.jsonl").read_text().splitlines()]


def traced(folder, form="darts", budget=16, **options):
    env = Trace(environment(), folder, agent=form)
    result = search(form, budget=budget, env=env, diagnosis=True, **options)
    env.finish(result.as_dict())
    return result


def test_a_search_by_gradients_is_read_as_it_goes_on_and_reading_changes_nothing(tmp_path):
    result = traced(tmp_path / "run")
    assert without_seconds(result) == without_seconds(search("darts", budget=16, diagnosis=False)) | {
        "hyperparameters": result.hyperparameters
    }
    found = readings(tmp_path / "run")
    space = environment().unwrapped.search_space
    assert found[-1]["choice"] == result.architecture
    assert found[-1]["share"] == 1
    assert len(found) >= 4
    for reading in found:
        assert set(reading["weights"]) == set(reading["decided"]) == set(space.variables)
        for name, row in reading["weights"].items():
            assert sum(row) == pytest.approx(1, abs=1e-5)
            since, lead = reading["decided"][name]
            assert 0 <= since <= reading["epoch"]
            assert lead == pytest.approx(sorted(row)[-1] - sorted(row)[-2], abs=1e-6)
        values = space.encode(space.parse(reading["choice"]))
        assert reading["zeros"] == sum(value == 0 for value in values.values())
        assert reading["skips"] == sum(value == 1 for value in values.values())
        assert reading["gap"] == pytest.approx(reading["mixture_score"] - reading["choice_score"])
        free = [row[0] + row[1] for row in reading["weights"].values()]
        assert reading["free_weight"] == pytest.approx(np.mean(free), abs=1e-6)
        assert 0 <= reading["entropy"] <= 1
        assert np.isfinite(reading["eigenvalue"])
    changed = [
        sum(a != b for a, b in zip(*(space.parse(each["choice"]).edges for each in pair), strict=True))
        for pair in itertools.pairwise(found)
    ]
    assert [reading["changes"] for reading in found[1:]] == changed


def test_a_search_that_warns_at_its_first_reading_stops_at_where_it_began(tmp_path, monkeypatch):
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.is_sharp", lambda values: True)
    stopped = traced(tmp_path / "run", when_collapsing="stop")
    assert len(readings(tmp_path / "run")) == 1
    # Not the first candidate in each place, which is a cell of nothing.
    assert set(stopped.architecture.replace("|", "~").split("~")) - {"none", "", "+", "0", "1", "2"}


def test_readings_have_a_number_each_and_show_what_they_would_cost_in_trainings(monkeypatch):
    epochs, costs = [], []

    def read(self, values, scalars, step):
        epochs.append(values["epoch"])
        costs.append(scalars["one_shot/diagnosis_trainings"])

    monkeypatch.setattr(NoTrace, "reading", read)
    search("darts", budget=7, diagnosis=True)
    # The last one too, of an epoch that the end of the cost breaks off.
    assert epochs == list(range(1, len(epochs) + 1))
    space = environment().unwrapped.search_space
    rng = np.random.default_rng(0)
    mean = np.mean([space.network(space.sample(rng)).flops for _ in range(100)])
    training = RECIPE["epochs"] * len(TASK.y_train) * PASSES * mean
    # Two scores of the validation part, a loss, and twice its cost for each of 18 rows of the Hessian.
    examples, mixture = len(TASK.y_validation), space.mixture().flops
    least = (examples + PASSES * min(64, examples) * 37) * mixture / training
    assert least < costs[0] < 1.1 * least
    assert costs == sorted(costs)


def test_a_warning_is_given_in_words_and_stops_a_search_that_is_told_to(tmp_path, monkeypatch):
    from nas_agents.one_shot import diagnosis

    # The third reading is taken for a sharp one.
    monkeypatch.setattr(diagnosis, "is_sharp", lambda values: len(values) == 3)
    traced(tmp_path / "warned")
    warned = readings(tmp_path / "warned")
    assert [bool(each["warning"]) for each in warned[:4]] == [False, False, True, False]
    assert warned[2]["warning"].endswith("the choice may score much less than the mixture.")
    assert [each["sharp"] for each in warned[:4]] == [False, False, True, False]
    stopped = traced(tmp_path / "stopped", when_collapsing="stop")
    assert len(readings(tmp_path / "stopped")) == 3
    assert stopped.architecture == warned[1]["choice"]
    assert sum(stopped.shares) < 16
    assert stopped.stopped == "agent returned"
    traced(tmp_path / "regularised", when_collapsing="regularise")
    calm = readings(tmp_path / "regularised")
    assert calm[2] == warned[2]
    assert calm[-1]["weights"] != warned[-1]["weights"]


class Pulled:
    """Weights of candidates that move towards one of them as readings go on."""

    def __init__(self, towards):
        self.towards, self.calls = towards, 0

    def __call__(self, rows):
        self.calls += 1
        share = min(1.0, 0.04 * self.calls)
        pulled = torch.eye(3)[self.towards]
        return {name: (1 - share) * torch.softmax(row, 0) + share * pulled for name, row in rows.items()}


@pytest.mark.parametrize(
    ("towards", "words"),
    [
        (0, "no way leads from the input to the output of its choice"),
        (1, "candidates without weights lead in 6 of 6 places"),
        (2, ""),
    ],
)
def test_a_collapse_is_told_by_what_it_is(towards, words, tmp_path, monkeypatch):
    pulled = Pulled(towards)
    monkeypatch.setattr("nas_agents.one_shot.darts.DARTS.weights", lambda self, rows: pulled(rows))
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.is_sharp", lambda values: False)
    traced(tmp_path / "run", budget=24)
    found = readings(tmp_path / "run")
    warnings_ = [each["warning"] for each in found]
    assert words in warnings_[-1]
    assert bool(warnings_[-1]) == bool(words)
    assert [each["degenerate"] for each in (found[0], found[-1])] == [False, bool(words)]


def test_what_a_search_went_back_from_is_not_judged_by(tmp_path, monkeypatch):
    seen = []
    eigenvalues = iter([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 30.0, *[1.0] * 20])
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.Diagnosis._eigenvalue", lambda self: next(eigenvalues))
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.risen_from", lambda weights: None)
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.DEGENERATE", 2.0)
    from nas_agents.one_shot import diagnosis

    judged = diagnosis.is_sharp
    monkeypatch.setattr(diagnosis, "is_sharp", lambda values: seen.append(list(values)) or judged(values))
    traced(tmp_path / "run", budget=24, when_collapsing="regularise")
    sharp = [each["sharp"] for each in readings(tmp_path / "run")]
    assert sharp == [False] * 6 + [True] + [False] * (len(sharp) - 7)
    assert seen[6][-1] == 30
    assert all(30 not in values for values in seen[7:])


def test_a_mixture_that_leaves_nothing_to_choose_is_refused():
    space = {"name": "mlp", "max_layers": 2, "widths": [5], "activations": ["relu"]}
    with pytest.raises(NASGymError, match="leaves nothing to choose"):
        search("darts", env=environment(space))


def test_a_search_that_stops_takes_a_choice_that_a_way_leads_through(tmp_path, monkeypatch):
    calls = []

    def weights(self, rows):
        """One that leads through at first, then ``none`` everywhere."""
        calls.append(None)
        heaviest = torch.eye(3)[2 if len(calls) < 3 else 0]
        return {name: 0.5 * torch.softmax(row, 0) + 0.5 * heaviest for name, row in rows.items()}

    monkeypatch.setattr("nas_agents.one_shot.darts.DARTS.weights", weights)
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.risen_from", lambda weights: None)
    monkeypatch.setattr("nas_agents.one_shot.diagnosis.DEGENERATE", 2.0)
    result = traced(tmp_path / "run", budget=24, when_collapsing="stop")
    found = readings(tmp_path / "run")
    assert "no way leads" in found[-1]["warning"]
    assert found[0]["choice"] != found[-2]["choice"]
    assert result.architecture == found[0]["choice"]


def test_the_last_reading_says_what_the_mixture_loses_without_each_candidate(tmp_path):
    traced(tmp_path / "run")
    found = readings(tmp_path / "run")
    assert all(each["without"] is None for each in found[:-1])
    last = found[-1]
    assert {name: len(row) for name, row in last["without"].items()} == {
        name: len(row) for name, row in last["weights"].items()
    }
    assert all(last["mixture_score"] - lost <= 1 for row in last["without"].values() for lost in row)
    for name, correlation in last["agreement"].items():
        pair = last["weights"][name], last["without"][name]
        constant = any(len(set(row)) == 1 for row in pair)
        assert correlation == (None if constant else pytest.approx(spearmanr(*pair).statistic))


def test_what_is_lost_without_a_candidate_is_the_score_without_its_term(tmp_path):
    space, names = space_of({"name": "mlp", "max_layers": 1, "widths": [8]}, TASK), "layer 1 activation"
    net = mixture_training(space, TASK, RECIPE)
    rows = {names: torch.tensor([0.1, 0.2, 0.3, 0.4])}
    lost, flops = losses_without(net, rows, [names], 0.9)
    rest = torch.tensor([0.1, 0.2, 0.0, 0.4])
    assert lost[names][2] == pytest.approx(0.9 - net.measured({names: Blend(rest / 0.7)}))
    assert flops < 4 * len(TASK.y_validation) * net.network.flops
    # All weight on one candidate: the others are as good as each other.
    assert without(torch.tensor([0.0, 1.0, 0.0]), 1).weights.tolist() == [0.5, 0.0, 0.5]


class Recorded(BetaDARTS):
    """beta-DARTS that remembers the entropy of the weights when they were asked for last."""

    def weights(self, rows):
        found = super().weights(rows)
        row = torch.stack(list(found.values())).detach()
        Recorded.entropy = float(-(row * row.log()).sum(1).mean())
        return found


@pytest.mark.parametrize("order", [1, 2])
def test_the_penalty_of_beta_darts_keeps_weights_together_in_either_order(order):
    entropies = []
    for weight in (0.0, 50.0):
        Recorded(order=order, lambda_last=weight, diagnosis=False).search(environment(), 12, 0)
        entropies.append(Recorded.entropy)
    assert entropies[1] > entropies[0]


# Passes of a batch of the training part, and of one of the validation part, in a step for alpha and w.
BATCHES = {
    "darts": (1, 1),
    "darts of order 2": (4, 1),  # a step ahead, two for the difference, and one for w
    "drnas": (1, 1),
    "beta-darts": (1, 1),
}


@pytest.mark.parametrize("form", BATCHES)
def test_a_step_of_a_mixture_costs_the_passes_that_it_makes(form, monkeypatch):
    spent = []
    finished = MixtureTraining.finished.fget
    noted = property(lambda net: spent.append((net.trace.flops, net.network.flops)) or finished(net))
    monkeypatch.setattr(MixtureTraining, "finished", noted)
    search(form, budget=10)
    (nothing, _), (first, mixture) = spent[:2]
    assert nothing == 0
    training, validation = BATCHES[form]
    size, other = RECIPE["batch_size"], min(RECIPE["batch_size"], len(TASK.y_validation))
    assert first == PASSES * mixture * (training * size + validation * other)
