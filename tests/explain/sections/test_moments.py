"""Decisive moments: what they are measured by, how they are chosen, what else could have been done."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nas_agents import QLearning

from benchmarks.quality.explanations.planted_policies import from_depth_three, optimal, space_of
from nas_gym.explain import Settings, read_evidence
from nas_gym.explain.evidence.setting import discount_of
from nas_gym.explain.methods.policies.decisive_steps import measure_steps, most_decisive
from nas_gym.explain.sections.moments.local_search import beside_local_search, partings_table, sentences
from nas_gym.explain.sections.moments.section import explain_moments
from nas_gym.traces import Step, Trace
from tests.helpers.explain.drawing import draw_all
from tests.helpers.explain.policy_runs import asked, environment, followed, learned


def step(number, before, after, score, scores=(0.0, 1.0), action=1, reward=None, **options):
    return Step(
        **{
            "episode": 0,
            "t": number,
            "architecture": before,
            "steps_left": None,
            "mask": [0, 1],
            "action": action,
            "edit": "an edit",
            "scores": list(scores),
            "reward": score if reward is None else reward,
            "terminated": False,
            "truncated": False,
            "next": after,
            "score": score,
            "illegal_action": False,
            "error": "",
            "unique": number + 1,
        }
        | options
    )


def test_gap_change_and_surprise_by_hand():
    steps = [
        step(0, "a", "b", 0.5, scores=(0.0, 2.0)),
        step(1, "b", "a", 0.4, scores=(1.0, -1.0), action=0),
        step(2, "a", "b", 0.5, scores=(0.25, 3.0)),
        step(3, "b", "c", 0.9, scores=(0.7, 0.1)),
    ]
    found = measure_steps(steps, "q_values", 0.9)
    assert found.gap == pytest.approx([2.0, 2.0, 2.75, 0.6])
    assert found.change == pytest.approx([np.nan, -0.1, 0.1, 0.4], nan_ok=True)
    # Only step 2 repeats an edit: reward + 0.9 * the best value after it - what was expected.
    assert found.surprise == pytest.approx([np.nan, np.nan, 0.5 + 0.9 * 0.7 - 3.0, np.nan], nan_ok=True)


def test_the_gap_of_probabilities_is_of_their_logarithms_and_they_expect_nothing():
    found = measure_steps([step(0, "a", "b", 0.5, scores=(0.1, 0.8))], "probabilities", 0.9)
    assert found.gap == pytest.approx([np.log(8)])
    assert np.isnan(found.surprise).all()


def test_an_episode_that_ends_promises_nothing_and_a_failure_changes_nothing():
    steps = [
        step(0, "a", "b", 0.5),
        step(1, "a", "b", 0.5, scores=(0.0, 0.2), terminated=True),
        step(2, "b", "c", 0.0, error="training diverged"),
    ]
    found = measure_steps(steps, "q_values", 0.9)
    assert found.surprise[1] == pytest.approx(0.3)
    assert np.isnan(found.change[2])


def test_scores_of_a_policy_that_are_missing_leave_the_change_of_the_networks_score():
    steps = [step(0, "a", "b", 0.5, scores=()), step(1, "b", "c", 0.8, scores=())]
    steps = [
        Step(**{name: getattr(one, name) for name in Step.__slots__} | {"scores": None}) for one in steps
    ]
    found = measure_steps(steps, None, 0.9)
    assert np.isnan(found.gap).all()
    assert found.weight[1] >= found.weight[0]


def test_moments_are_apart_on_the_edit_graph():
    space = space_of()
    rng = np.random.default_rng(0)
    some = [space.sample(rng) for _ in range(60)]
    steps = [step(number, str(one), str(one), 0.5) for number, one in enumerate(some)]
    weights = rng.random(60)
    chosen = most_decisive(steps, weights, space, 3)
    assert chosen[0] == weights.argmax()
    for number, one in enumerate(chosen):
        for other in chosen[:number]:
            assert space.edit_distance(some[other], some[one], 2) == 3
    assert len(set(most_decisive(steps, weights, space, 50))) == 50


def test_distances_are_shortest_paths():
    space = space_of()
    start = space.smallest()
    ring = {start: 0}
    border = {start}
    for edits in (1, 2):
        border = {after for one in border for after in space.neighbours(one)} - set(ring)
        ring |= dict.fromkeys(border, edits)
    for one in space:
        assert space.edit_distance(start, one, 2) == ring.get(one, 3)


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    return explain_moments(read_evidence(learned(tmp_path_factory.mktemp("moments") / "run", 40)))


def test_the_section_has_moments_with_alternatives(section):
    moments = section.numbers["moments"]
    assert 1 < len(moments) <= 6
    weights = [moment["weight"] for moment in moments]
    assert max(weights) == weights[0]
    for moment in moments:
        assert moment["alternatives"][0]["taken"]
        assert moment["known"] == moment["legal"]
    json.dumps(dict(section.numbers), allow_nan=False)
    draw_all(section)


def test_what_an_alternative_would_have_brought_is_true(section):
    space = space_of()
    for moment in section.numbers["moments"]:
        before = space.parse(moment["architecture"])
        words = [str(action) for action in space.actions]
        for one in moment["alternatives"]:
            after = space.apply(before, words.index(one["edit"]))
            assert one["score"] == pytest.approx(from_depth_three(after))
        brought = [from_depth_three(after) for after in (before, *space.neighbours(before))]
        best = space.apply(before, words.index(moment["best_known"]))
        assert from_depth_three(best) == pytest.approx(max(brought))


def test_alternatives_that_must_be_trained_are_left_open_or_paid_for(tmp_path):
    evidence = read_evidence(learned(tmp_path / "run", 12))
    evidence.evaluator.free = False
    section = explain_moments(evidence)
    assert section.numbers["extra_evaluations"] == 0
    table = next(table for table in section.tables if table.name == "alternatives")
    assert any(row[-1] == "not evaluated in this run" for row in table.rows)
    paid = explain_moments(evidence, Settings(budget=5))
    assert paid.numbers["extra_evaluations"] == 5
    known = sum(moment["known"] for moment in paid.numbers["moments"])
    assert known > sum(moment["known"] for moment in section.numbers["moments"])


def test_a_good_policys_moments_have_no_better_alternative_where_it_chose(tmp_path):
    policy = optimal(space_of(), from_depth_three)
    section = explain_moments(read_evidence(followed(tmp_path / "run", policy, epsilon=0.0, steps=8)))
    assert section.numbers["policy_scores"] == "q_values"


def test_an_agent_that_requests_networks_is_explained_by_what_raised_its_best(tmp_path):
    evidence = read_evidence(asked(tmp_path / "run"))
    section = explain_moments(evidence)
    best, expected = -1.0, 0.0
    for one in evidence.seen:
        if best >= 0 and one.score > best:
            expected += one.score - best
        best = max(best, one.score)
    assert section.numbers["total_gain"] == pytest.approx(expected)
    assert "networks without editing" in section.details[0]
    draw_all(section)


def test_a_run_of_one_evaluation_has_no_decisive_one(tmp_path):
    section = explain_moments(read_evidence(asked(tmp_path / "run", 1)))
    assert section.withheld
    assert "is still its best" in section.answer[0]


def test_a_run_of_one_step(tmp_path):
    policy = optimal(space_of(), from_depth_three)
    section = explain_moments(read_evidence(followed(tmp_path / "run", policy, steps=1)))
    assert section.answer


def test_a_run_parts_from_local_search_where_it_leaves_the_best_network_known(tmp_path):
    space = space_of()
    start = space.smallest()
    near = next(iter(space.neighbours(start)))
    far = next(one for one in space if space.edit_distance(start, one, 3) == 3)
    env = Trace(environment(), tmp_path / "run", "asker", {})
    env.evaluate([start, near, far])
    env.close()
    evidence = read_evidence(tmp_path / "run")
    found = beside_local_search(evidence)
    assert found.evaluations == 2
    (parting,) = found.partings
    assert parting.one.architecture == far
    scores = [from_depth_three(one) for one in (start, near, far)]
    assert parting.gain == pytest.approx(max(0.0, scores[2] - max(scores[:2])))
    assert found.gain_near == pytest.approx(max(0.0, scores[1] - scores[0]))
    (said,) = sentences(found, evidence)
    assert "in 1 of 2 evaluations after the first: at first with number 3" in said
    assert str(far) in partings_table(found, evidence).rows[0]


def test_where_it_parts_from_local_search_is_told_of_runs_with_a_policy_alone(section, tmp_path):
    told = section.numbers["local_search"]
    assert 0 < told["evaluations"] >= told["parted"]
    assert any("local search" in sentence for sentence in section.details)
    assert "local_search" not in explain_moments(read_evidence(asked(tmp_path / "run"))).numbers


def test_the_discount_is_the_agents():
    assert discount_of({"config": {"hyperparameters": {"gamma": 0.5}}}) == 0.5
    assert discount_of({"config": {}}) == 0.9


def test_the_discount_of_q_learning_is_that_of_the_form_that_ran():
    assert discount_of({"config": {"hyperparameters": vars(QLearning())}}) == 0.5
    assert discount_of({"config": {"hyperparameters": vars(QLearning(outputs="actions"))}}) == 0.9
    assert discount_of({"config": {"hyperparameters": vars(QLearning(gamma=0.7))}}) == 0.7
