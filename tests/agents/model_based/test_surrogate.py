"""What the model-based agent does with equivalent networks, side by side, in large spaces and with noise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from nas_agents.model_based.agent import ModelBased
from nas_agents.model_based.features import Features
from nas_agents.model_based.planners import ListedPlanner, classes_of, fresh_designs
from nas_agents.model_based.reward_model import EveryArchitecture, RewardModel
from scipy import sparse

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space
from tests.helpers.environments import environment, hash_of, texts
from tests.helpers.fakes import FakeEvaluator

OPERATIONS = ["none", "skip_connect", "nor_conv_3x3"]
CELLS = {"name": "cell", "operations": OPERATIONS}
SHARED = (("by_class", True), ("pieces", False), ("short", False))


@cache
def cells(*operations):
    names = list(operations or OPERATIONS)
    return make_search_space({"name": "cell", "operations": names}, (1, 16), 2)


def by_paths(architecture, seed):
    """The same for equivalent cells: convolutions help, none of them does not."""
    label = cells().isomorphism_class(architecture)
    return 0.3 + 0.05 * label.count("nor_conv_3x3") + 0.01 * (hash_of(label) % 97) / 97


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


@pytest.mark.parametrize("pieces", [False, True])
def test_equivalent_networks_share_their_features_and_others_do_not(pieces):
    space = cells("none", "skip_connect", "nor_conv_1x1")
    features = Features(space, by_class=True, pieces=pieces)
    every = list(space)
    rows = dense(features.matrix(every))
    members: dict[str, set[bytes]] = {}
    for architecture, row in zip(every, rows, strict=True):
        members.setdefault(space.isomorphism_class(architecture), set()).add(row.tobytes())
    assert len(members) < len(every) == 729
    assert all(len(own) == 1 for own in members.values())
    assert len({next(iter(own)) for own in members.values()}) == len(members)


def believed(space, asked, told):
    model = RewardModel(Features(space, by_class=True), smoothness=3.0, noise=0.1, growth=1.15, memory=99)
    parse = space.parse
    rewards = [each.count("nor_conv_3x3") + 0.1 * each.count("skip_connect~0") for each in told]
    # The whole space first, so that what a class shares is the mean of its members.
    model.features.matrix(list(space))
    model.tell([parse(each) for each in told], rewards)
    return model.beliefs([parse(each) for each in asked])


def test_the_order_of_operations_changes_no_belief():
    """Columns change places with the numbers of operations, and nothing else does."""
    drawn = [str(each) for each in np.random.default_rng(0).choice(list(cells()), 40, replace=False)]
    first = believed(cells(), drawn[15:], drawn[:15])
    second = believed(cells("nor_conv_3x3", "none", "skip_connect"), drawn[15:], drawn[:15])
    assert first[0] == pytest.approx(second[0], abs=1e-4)
    assert first[1] == pytest.approx(second[1], abs=1e-4)


def test_no_equivalent_of_an_evaluated_network_is_asked_for_while_others_are_left():
    env = environment(by_paths, CELLS)
    space = env.unwrapped.search_space
    asked = texts(ModelBased(patience=0).search(env, 40, seed=1))
    labels = [space.isomorphism_class(space.parse(each)) for each in asked]
    assert len(set(labels)) == len(labels)
    other = texts(ModelBased(patience=0, by_class=False).search(env, 40, seed=1))
    assert len({space.isomorphism_class(space.parse(each)) for each in other}) < 40


@pytest.mark.slow
def test_when_classes_are_used_up_their_other_members_follow():
    small = {"name": "cell", "operations": ["none", "skip_connect"]}
    result = ModelBased(first=3, growth=2.0).search(environment(by_paths, small), 64, seed=0)
    assert result.stopped == "space exhausted"
    assert len(result.evaluations) == 64


def test_equivalents_are_looked_at_only_of_the_best_of_a_model_that_is_set_aside(monkeypatch):
    """Training is noisy: one of them may be better. What a later model plans anew is taken as it is known."""
    looked_at, twins = [], ListedPlanner.twins

    def noted(planner, architecture):
        looked_at.append([architecture, *twins(planner, architecture)])
        return looked_at[-1][1:]

    monkeypatch.setattr(ListedPlanner, "twins", noted)
    # The fewer convolutions the better, so that the best have many equivalents.
    env = environment(lambda architecture, seed: 1 - by_paths(architecture, seed), CELLS)
    space = env.unwrapped.search_space
    asked = texts(ModelBased(first=8, patience=4).search(env, 60, seed=0))
    labels = [space.isomorphism_class(space.parse(each)) for each in asked]
    again = {labels[number] for number in range(60) if labels[number] in labels[:number]}
    several = {space.isomorphism_class(each[0]) for each in looked_at if len(each) > 1}
    assert again
    assert again <= several


def model_of(space, count=12):
    classes = classes_of(space, None, SHARED)
    model = RewardModel(classes.features, smoothness=3.0, noise=0.1, growth=9.0, memory=99)
    drawn = [space.sample(np.random.default_rng(number)) for number in range(count)]
    drawn = list(dict.fromkeys(drawn))
    model.tell(drawn, [by_paths(each, 0) for each in drawn])
    return classes, model, drawn


def test_what_is_supposed_changes_no_mean_and_takes_doubt_away_where_networks_are_alike():
    space = cells()
    classes, model, drawn = model_of(space)
    every = EveryArchitecture(model, classes.matrix)
    mean, deviation = (each.copy() for each in every.beliefs())
    supposed = space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|")
    model.suppose(supposed)
    after, surer = every.beliefs()
    (own,) = classes.numbers([supposed])
    assert after == pytest.approx(mean, abs=1e-4)
    assert (surer <= deviation + 1e-4).all()
    assert surer[own] < 0.8 * deviation[own]
    model.tell([drawn[0]], [by_paths(drawn[0], 0)])
    told, _ = every.beliefs()
    again, _ = EveryArchitecture(model, classes.matrix).beliefs()
    assert told == pytest.approx(again, abs=1e-4)


def test_a_batch_is_planned_side_by_side_and_is_of_different_classes():
    calls = []

    class Counted(FakeEvaluator):
        def stream(self, requests):
            calls.append([each.architecture for each in requests])
            yield from super().stream(requests)

    env = environment(by_paths, CELLS, Counted)
    space = env.unwrapped.search_space
    ModelBased(batch=4, near=0).search(env, 30, seed=0)
    assert [len(each) for each in calls] == [10, 4, 4, 4, 4, 4]
    for batch in calls:
        assert len({space.isomorphism_class(each) for each in batch}) == len(batch)
    # Without the belief in what is pending the second of a batch would be the runner-up, one edit away.
    apart = [
        sum(a != b for a, b in zip(x.edges, y.edges, strict=True))
        for batch in calls[1:]
        for number, x in enumerate(batch)
        for y in batch[:number]
    ]
    assert np.mean(apart) > 1.5


def test_a_batch_is_as_wide_as_the_executor():
    class Workers:
        def size(self):
            return 3

    env = environment(by_paths, CELLS)
    env.unwrapped.evaluator.executor = Workers()
    session = type("Session", (), {"unwrapped": env.unwrapped})()
    # An executor changes no result unless that is asked for.
    assert [ModelBased(batch=batch)._width(session) for batch in (0, 1, 2)] == [3, 1, 2]


def test_designs_are_of_different_classes_where_there_are_enough():
    space = cells()
    session = type("Session", (), {"search_space": space, "rng": np.random.default_rng(0)})()
    found = fresh_designs(session, Features(space, by_class=True), 60, [])
    assert len({space.isomorphism_class(each) for each in found}) == len(set(found)) == 60


@pytest.mark.slow
def test_a_space_too_large_to_list_is_searched_by_walks():
    def score(architecture, seed):
        return 0.1 * sum(width == 512 for width, _ in architecture.layers) + 0.01 * len(architecture.layers)

    large = {"name": "mlp", "max_layers": 6, "widths": [8, 64, 512], "activations": ["relu", "tanh", "elu"]}
    env = environment(score, large)
    assert env.unwrapped.search_space.size > 5e5
    result = ModelBased(batch=3, edits=12).search(env, 22, seed=0)
    uniform = max(each.score for each in result.evaluations[:10])
    assert result.score > uniform + 0.05
    assert len(set(texts(result))) == 22


def test_noise_is_estimated_from_what_equivalent_networks_earn():
    space = cells()
    classes = classes_of(space, None, SHARED)
    several = [each for each in classes.members if len(each) > 3][:12]
    told = [space.architecture(number) for each in several for number in each[:4]]
    rng = np.random.default_rng(0)
    found = {}
    for spread in (0.001, 0.05):
        model = RewardModel(classes.features, smoothness=3.0, noise=0.1, growth=9.0, memory=99)
        rewards = [by_paths(each, 0) + spread * rng.standard_normal() for each in told]
        model.tell(told, rewards)
        found[spread] = np.diag(model.lower @ model.lower.T).mean() - model.variance
    assert found[0.05] > 5 * found[0.001]


def test_a_search_under_noise_ends_near_the_best_and_is_repeated_bit_for_bit():
    def noisy(architecture, seed):
        return by_paths(architecture, 0) + 0.02 * ((hash_of(str(architecture)) % 101) / 101 - 0.5)

    env = environment(noisy, CELLS)
    for options in ({"batch": 3}, {"pieces": True}):
        first = ModelBased(**options).search(env, 20, seed=2)
        assert ModelBased(**options).search(env, 20, seed=2) == first
        best = max(by_paths(each, 0) for each in env.unwrapped.search_space)
        assert by_paths(env.unwrapped.search_space.parse(first.architecture), 0) > best - 0.08


class Gradual(FakeEvaluator):
    """Ten epochs, a second each; a short training shows what a long one will."""

    resumable = True

    def stream(self, requests):
        for position, evaluation in super().stream(requests):
            epochs = requests[position].fidelity or 10
            score = evaluation.score * (0.5 + 0.05 * epochs)
            yield position, replace(evaluation, score=score, seconds=float(epochs))

    def fidelities(self):
        return tuple(range(1, 11))


def test_networks_are_trained_shortly_first_and_go_on_only_while_they_promise_most():
    def score(architecture, seed):
        return by_paths(architecture, seed) + 0.1 * (hash_of(str(architecture)) % 89) / 89

    env = environment(score, CELLS, Gradual)
    single = ModelBased().search(env, 25, seed=0)
    result = ModelBased(short=0.2).search(env, 25, seed=0)
    fidelities = [each.fidelity for each in result.evaluations]
    assert set(fidelities) == {None, 2}
    shortly, fully = set(), []
    for each in result.evaluations:
        if each.fidelity == 2:
            shortly.add(each.architecture)
        else:
            assert each.architecture in shortly
            fully.append(each.architecture)
    assert len(shortly) > len(fully) + 5
    assert sum(result.shares) <= 25
    assert result.score >= single.score


def test_without_a_choice_of_epochs_short_changes_nothing():
    env = environment(by_paths, CELLS)
    assert texts(ModelBased(short=0.2).search(env, 20)) == texts(ModelBased().search(env, 20))


def test_a_thrifty_search_takes_cheap_networks_first_where_seconds_count():
    class Costly(FakeEvaluator):
        def stream(self, requests):
            for position, evaluation in super().stream(requests):
                dear = requests[position].architecture.edges.count("nor_conv_3x3")
                yield position, replace(evaluation, seconds=float(2**dear))

    def score(architecture, seed):
        return 0.5 + 0.1 * (hash_of(str(architecture)) % 97) / 97

    env = environment(score, CELLS, Costly)
    counts = [
        len(ModelBased(thrift=thrift, near=0).search(env, {"seconds": 200.0}, seed=0).evaluations)
        for thrift in (0.0, 1.0)
    ]
    assert counts[1] > 1.3 * counts[0]
    same = [texts(ModelBased(thrift=thrift).search(env, 14, seed=0)) for thrift in (0.0, 1.0)]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("hyperparameter", "value"),
    [("batch", -1), ("short", 1.0), ("short", 0), ("thrift", -1), ("by_class", 1), ("pieces", None)],
)
def test_an_option_out_of_range_is_refused_by_name(hyperparameter, value):
    with pytest.raises(NASGymError, match=hyperparameter):
        ModelBased(**{hyperparameter: value})
