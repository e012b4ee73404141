"""Policies in small trees: faithful where there is a rule, and said to be not where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.explanations.planted_policies import (
    WIDE,
    from_depth_three,
    of_noise,
    optimal,
    space_of,
)
from nas_gym.envs import make_reward
from nas_gym.explain import ArchitectureScores, Setting, earnings
from nas_gym.explain.methods.policies.decision_tree import grow
from nas_gym.explain.methods.policies.edit_tree import TreeFamily, best_rule, first_legal, shared_labels
from nas_gym.explain.methods.policies.optimal_values import OptimalValues
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.rollouts import Decisions, random_legal, walk
from nas_gym.explain.methods.policies.rules import Rule, clauses, edits_in_words, rules_of
from nas_gym.explain.methods.policies.scores import PolicyScores, policy_scores
from nas_gym.explain.methods.policies.viper import FAITHFUL, LEAVES, READABLE, distil
from nas_gym.traces import State, TabularPolicy


def setting(space, horizon=20, episodic=False):
    return Setting(space, [space.smallest()], horizon, episodic)


def earned(policy, space, score, leaves, starts, reward="score", horizon=20):
    decisions = Decisions(policy, space)
    episodic = make_reward(reward).episodic
    distilled = distil(decisions, setting(space, horizon, episodic))
    known = ArchitectureScores({str(one): score(one) for one in space}, "the landscape")
    return earnings(
        decisions,
        distilled,
        leaves,
        setting(space, horizon, episodic),
        starts,
        make_reward(reward),
        known.of,
    )


@pytest.fixture(scope="module")
def wide():
    space = space_of(WIDE)
    policy = optimal(space, from_depth_three)
    return space, policy, distil(Decisions(policy, space), setting(space))


def test_one_activation_best_from_depth_three_is_found_by_16_leaves(wide):
    _, _, distilled = wide
    small = next(one for one in distilled.curve if one.leaves == READABLE)
    assert small.visited >= 0.95
    assert small.everywhere >= 0.95
    assert distilled.trees[READABLE].leaves <= READABLE
    assert distilled.faithful is not None
    assert distilled.rule.everywhere < small.everywhere - 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_a_small_space_is_told_as_faithfully(seed):
    """States that end a leaf's list of edits are few here; held out, they must be got right all the same."""
    space = space_of()
    policy = optimal(space, from_depth_three)
    distilled = distil(Decisions(policy, space), setting(space), seed)
    small = next(one for one in distilled.curve if one.leaves == READABLE)
    assert small.visited >= 0.95
    assert small.everywhere >= 0.95
    assert distilled.trees[READABLE].leaves > 1
    found = earned(policy, space, from_depth_three, READABLE, [space.smallest()])
    assert found.recovered is not None
    assert found.recovered >= 0.9


def test_its_rules_recover_the_return_of_the_policy(wide):
    space, policy, _ = wide
    rng = np.random.default_rng(1)
    for starts in ([space.smallest()], [space.sample(rng) for _ in range(16)]):
        found = earned(policy, space, from_depth_three, READABLE, starts)
        assert found.recovered is not None
        assert found.recovered >= 0.9
        assert found.interval[0] <= found.recovered <= found.interval[1]
        assert found.recovered_by_rule <= 1.0 + 1e-9
        assert found.random < found.policy


def test_the_rules_say_what_was_planted(wide):
    space, _, distilled = wide
    rules = rules_of(distilled.trees[READABLE], distilled.questions.all, space.actions)
    swaps = [rule for rule in rules if "swap activation" in rule.action and "to tanh" in rule.action]
    assert swaps
    assert all("depth is" in rule.condition for rule in swaps)
    assert not any("to relu" in rule.action for rule in rules)


def test_faithfulness_is_what_counting_by_hand_gives(wide):
    """On the whole space: the share of states whose edit the policy scores within 1e-3 of its best."""
    space, policy, distilled = wide
    tree = distilled.trees[READABLE]
    right = 0
    for architecture in space:
        q, mask = policy.table[str(architecture)], space.mask(architecture)
        edit = tree.decide(distilled.questions, [State(architecture)], mask[None])[0]
        assert mask[edit]
        right += q[edit] >= q[mask].max() - 1e-3
    # Held-out states cannot do better than those that the tree was grown on, but for luck.
    assert right / space.size >= distilled.curve[2].everywhere - 0.01


@pytest.mark.parametrize("seed", [0, 1])
def test_no_tree_is_faithful_to_noise(seed):
    space = space_of()
    distilled = distil(Decisions(of_noise(space, seed), space), setting(space), seed)
    assert max(one.least for one in distilled.curve) < 0.5
    assert distilled.faithful is None


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.2])
def test_a_tree_counts_as_faithful_exactly_where_the_curve_reaches_90_percent(noise):
    space = space_of()
    policy = optimal(space, from_depth_three)
    rng = np.random.default_rng(0)
    table = {key: values + noise * rng.normal(size=len(values)) for key, values in policy.table.items()}
    distilled = distil(Decisions(TabularPolicy(space, table), space), setting(space))
    reached = [one.leaves for one in distilled.curve if min(one.visited, one.everywhere) >= FAITHFUL]
    assert (distilled.faithful.leaves if distilled.faithful else None) == (reached[0] if reached else None)


def test_distilling_is_a_function_of_the_seed():
    space = space_of()
    policy = of_noise(space, 3)
    first, again = (distil(Decisions(policy, space), setting(space), 5) for _ in range(2))
    assert first.curve == again.curve
    assert [tree.edits for tree in first.trees.values()] == [tree.edits for tree in again.trees.values()]


def test_a_clock_is_asked_for_where_the_reward_is_paid_at_the_end():
    """Layers cost until the last step, then tanh pays: what to do depends on the steps left."""
    space = space_of()
    policy = optimal(space, from_depth_three, "final", horizon=5)
    distilled = distil(Decisions(policy, space), setting(space, 5, episodic=True))
    assert any(question.about == "steps left" for question in distilled.questions.all)
    found = earned(policy, space, from_depth_three, 64, [space.smallest()], "final", 5)
    assert found.recovered is None or found.recovered > 0.5
    assert all(state.steps_left is not None for state in distilled.sample.policy_scores.states)


def test_a_policy_that_prefers_nothing_is_not_distilled():
    space = space_of()
    assert distil(Decisions(TabularPolicy(space, {}), space), setting(space)) is None
    flat = {str(one): np.full(len(space.actions), 0.3) for one in space}
    assert distil(Decisions(TabularPolicy(space, flat), space), setting(space)) is None


def test_probabilities_are_distilled_too():
    space = space_of()
    values = optimal(space, from_depth_three).table
    table = {}
    for key, q in values.items():
        mask = space.mask(space.parse(key))
        shares = np.where(mask, np.exp(200 * (q - q[mask].max())), 0.0)
        table[key] = shares / shares.sum()
    distilled = distil(Decisions(TabularPolicy(space, table, "probabilities"), space), setting(space))
    assert distilled.curve[2].everywhere >= 0.9


def test_only_states_with_a_preference_count_and_the_others_are_reported():
    space = space_of()
    table = dict(list(optimal(space, from_depth_three).table.items())[:100])
    distilled = distil(Decisions(TabularPolicy(space, table), space), setting(space))
    assert len(distilled.sample.policy_scores) == 100
    assert distilled.sample.known == pytest.approx(100 / space.size)


def test_values_of_a_policy():
    space = space_of()
    start = space.smallest()
    q = np.zeros(len(space.actions))
    legal = np.flatnonzero(space.mask(start))
    q[legal[0]], q[legal[1]], q[legal[2]] = 1.0, 0.9995, -1.0
    found = policy_scores(TabularPolicy(space, {str(start): q}), space, [State(start)])
    assert found.stakes == pytest.approx([2.0])
    assert np.flatnonzero(found.near_best[0]).tolist() == legal[:2].tolist()
    assert found.best[0] == legal[0]
    assert not np.isfinite(found.scores[0][~space.mask(start)]).any()


def test_scores_that_are_no_numbers_count_as_absent():
    space = space_of()
    q = np.full(len(space.actions), np.nan)
    found = policy_scores(TabularPolicy(space, {str(space.smallest()): q}), space, [State(space.smallest())])
    assert not found.prefers[0]
    assert found.stakes[0] == 0


def test_value_iteration_solves_bellmans_equation():
    space = space_of({"name": "mlp", "max_layers": 2, "widths": [8], "activations": ["relu", "tanh"]})
    scores = np.random.default_rng(0).random(space.size)
    values = OptimalValues(space, scores, make_reward("score"), 20)
    for architecture in space:
        q = values.of(State(architecture))
        for action in np.flatnonzero(space.mask(architecture)):
            after = space.apply(architecture, int(action))
            future = values.of(State(after)).max()
            assert q[action] == pytest.approx(scores[space.index(after)] + 0.9 * future, abs=1e-6)


def test_values_of_an_episodic_reward_are_the_best_within_reach():
    space = space_of({"name": "mlp", "max_layers": 2, "widths": [8], "activations": ["relu", "tanh"]})
    scores = np.random.default_rng(0).random(space.size)
    values = OptimalValues(space, scores, make_reward("final"), 3)
    start = space.smallest()
    one = max(scores[space.index(after)] for after in (start, *space.neighbours(start)))
    assert values.of(State(start, 1)).max() == pytest.approx(one)
    assert values.of(State(start, 3)).max() >= one


def test_a_tree_grows_leaf_by_leaf():
    rng = np.random.default_rng(0)
    answers = rng.random((200, 8)) < 0.5
    labels = 2 * answers[:, 0] + (answers[:, 1] & answers[:, 2])
    tree = grow(answers, labels, np.ones(200), 8)
    assert tree.leaves >= 4
    for leaves in (1, 2, 3, 4):
        part = tree.cut(leaves)
        assert part.leaves == leaves
        own = grow(answers, labels, np.ones(200), leaves)
        assert (own.leaf_of(answers) == part.leaf_of(answers)).all()
    assert tree.cut(2).question[0] == 0
    for leaf in np.unique(tree.leaf_of(answers)):
        assert len(set(labels[tree.leaf_of(answers) == leaf])) == 1


def test_weights_decide_what_a_small_tree_learns():
    answers = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=bool)
    labels = np.array([0, 1, 2, 2])
    heavy = grow(np.array([[1, 0], [0, 1], [0, 0]], dtype=bool), np.array([1, 0, 2]), np.array([1, 9, 9]), 2)
    assert heavy.question[0] == 1
    assert grow(answers, labels, np.ones(4), 2).question[0] == 0


def test_an_edit_that_is_illegal_gives_way_to_the_next():
    masks = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 0]], dtype=bool)
    assert first_legal((1, 2), masks).tolist() == [1, 2, 0]


def test_edits_that_are_equally_good_become_one_label():
    near = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0]], dtype=bool)
    labels = shared_labels(near, np.ones(4))
    assert labels[0] == labels[1] == labels[2] != labels[3]


def test_a_leaf_is_right_wherever_it_can_be():
    """Two states in one leaf, in which different edits are best, the first illegal in the second."""
    states = (State("a"), State("b"))
    masks = np.array([[1, 1, 1], [1, 0, 1]], dtype=bool)
    scores = np.where(masks, [[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]], -np.inf)
    found = PolicyScores("q_values", states, masks, scores)
    tree = TreeFamily(np.zeros((2, 1), dtype=bool), found, np.ones(2), 1).of(1)
    assert tree.choose(np.zeros((2, 1), dtype=bool), masks).tolist() == [1, 2]
    assert best_rule(found, np.array([1.0, 2.0])) == 2
    assert best_rule(found, np.array([2.0, 1.0])) == 1


def test_random_edits_are_legal_and_all_of_them_come():
    masks = np.array([[1, 0, 1, 1, 0]] * 300, dtype=bool)
    edits = random_legal(np.random.default_rng(0))([], masks)
    assert set(edits.tolist()) == {0, 2, 3}


def test_walks_follow_the_edits():
    space = space_of()
    walks = walk(space, lambda states, masks: np.full(len(states), 1), [space.smallest()], 3, episodic=True)
    assert [state.steps_left for (state,) in walks.states] == [3, 2, 1]
    assert walks.last[0] == space.apply(space.apply(space.apply(space.smallest(), 1), 1), 1)


def test_questions_are_answered_as_they_are_worded():
    space = space_of()
    questions = Questions(space)
    states = [State(space.parse(text)) for text in ("relu-16", "relu-16 > tanh-64 > tanh-16")]
    yes = {
        question.yes: answer
        for question, answer in zip(questions.all, questions.answers(states).T, strict=True)
    }
    assert yes["depth is 3 or more"].tolist() == [False, True]
    assert yes["the activation of layer 2 is tanh"].tolist() == [False, True]
    assert yes["the activation of layer 4 is relu"].tolist() == [False, False]
    assert yes["the activation of the last layer is tanh"].tolist() == [False, True]
    assert yes["at least 2 layers have activation tanh"].tolist() == [False, True]
    assert yes["some layer has width 64"].tolist() == [False, True]


@pytest.mark.parametrize("options", [{"name": "cell"}, {"name": "conv", "max_layers": 3}])
def test_every_space_has_questions_that_tell_architectures_apart(options):
    from nas_gym.search_spaces import make_search_space

    space = make_search_space(options, (1, 40), 10)
    rng = np.random.default_rng(0)
    some = list(dict.fromkeys(space.sample(rng) for _ in range(60)))
    answers = Questions(space).answers([State(one) for one in some])
    assert len(np.unique(answers, axis=0)) == len(some)


def test_a_path_is_told_without_what_follows_from_the_rest():
    questions = {question.yes: question for question in Questions(space_of()).all}
    deep, deeper = questions["depth is 2 or more"], questions["depth is 3 or more"]
    tanh, relu = (questions[f"the activation of layer 1 is {name}"] for name in ("tanh", "relu"))
    assert clauses([(deep, True), (deeper, True)]) == ["depth is 3 or more"]
    assert clauses([(deep, True), (deeper, False)]) == ["depth is 2 or more", "depth is below 3"]
    assert clauses([(relu, False), (tanh, True)]) == ["the activation of layer 1 is tanh"]


def test_edits_that_differ_in_one_word_are_told_as_one():
    words = ["swap width of layer 3 to 64", "swap width of layer 1 to 64", "keep"]
    told = edits_in_words(words)
    assert told == "swap width of layer 3 (else 1) to 64, or where that is impossible keep"
    assert str(Rule(("depth is below 3",), ("keep",), 0)) == "If depth is below 3: keep."


def test_the_curve_has_the_sizes_that_were_asked_for():
    assert LEAVES == (4, 8, 16, 32, 64, 128, 256)
