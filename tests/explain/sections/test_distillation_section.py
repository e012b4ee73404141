"""The section on what a policy learned, of recorded runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.quality.explanations.planted_policies import from_depth_three, of_noise, optimal, space_of
from nas_gym.explain import read_evidence
from nas_gym.explain.evidence.scores import scores_of_space
from nas_gym.explain.methods.policies.snapshots import KINDS
from nas_gym.explain.sections.policy.section import explain_policy
from tests.helpers.explain.drawing import draw_all
from tests.helpers.explain.policy_runs import asked, followed, learned


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    policy = optimal(space_of(), from_depth_three)
    return explain_policy(read_evidence(followed(tmp_path_factory.mktemp("best") / "run", policy)))


def test_a_policy_with_a_rule_is_told_in_rules(best):
    assert not best.withheld
    assert best.answer[0].startswith("What the agent does can be said in")
    assert "No small tree is faithful" not in " ".join(best.answer)
    assert "add tanh-64" in " ".join(best.answer)
    rules = next(table for table in best.tables if table.name == "rules")
    assert len(rules.rows) == len(best.numbers["rules"]) <= 16


def test_its_numbers_hold_all_that_was_asked_for(best):
    numbers = json.loads(json.dumps(dict(best.numbers), allow_nan=False))
    assert [one["leaves_at_most"] for one in numbers["faithfulness"]] == [4, 8, 16, 32, 64, 128, 256]
    assert numbers["return"]["the run's start"]["recovered"] >= 0.9
    assert numbers["return"]["random starts"]["recovered"] >= 0.9
    assert numbers["one_rule"]["edit"]
    shares = numbers["snapshots"][-1]["kinds"]
    assert set(shares) == set(KINDS)
    assert sum(shares.values()) == pytest.approx(1)
    assert numbers["snapshots"][-1]["agrees_with_last"] == 1.0


def test_its_figures_can_be_drawn(best):
    assert {figure.name for figure in best.figures} >= {"tree", "faithfulness"}
    draw_all(best)


def test_noise_is_told_to_have_no_small_tree(tmp_path):
    run = followed(tmp_path / "run", of_noise(space_of(), 0))
    section = explain_policy(read_evidence(run))
    assert len(section.answer) == 1
    assert "no rule worth telling: no small tree is faithful" in section.answer[0]
    assert not section.has_finding
    assert section.details[0].startswith("No small tree is faithful")
    assert section.numbers["faithful_from"] is None


def test_a_learning_agent_is_followed_over_its_snapshots(tmp_path):
    section = explain_policy(read_evidence(learned(tmp_path / "run")))
    snapshots = section.numbers["snapshots"]
    assert len(snapshots) > 2
    assert snapshots[0]["decided"] == 0.0
    assert snapshots[0]["kinds"] is None
    assert snapshots[-1]["agrees_with_last"] == 1.0
    assert section.numbers["share_of_space_with_a_preference"] < 1
    draw_all(section)


def test_an_agent_without_a_policy_gets_a_sentence(tmp_path):
    section = explain_policy(read_evidence(asked(tmp_path / "run")))
    assert section.withheld
    assert "left no policy over edits" in section.answer[0]


def test_a_policy_that_knows_nothing_gets_a_sentence(tmp_path):
    policy = of_noise(space_of(), 0)
    policy.table = {}
    section = explain_policy(read_evidence(followed(tmp_path / "run", policy, steps=3)))
    assert section.withheld
    assert "prefers no edit to another" in section.answer[0]


def unavailable(evidence):
    """As if the scores were those of trainings: nothing but what the run saw is known."""
    evidence.evaluator.free = False
    return evidence


def test_without_a_table_scores_are_those_of_the_run_and_a_model_of_it(tmp_path):
    evidence = unavailable(read_evidence(learned(tmp_path / "run", 80)))
    known = scores_of_space(evidence)
    assert not isinstance(known, str)
    assert not known.exact
    assert "estimates of a model" in known.source
    for one in evidence.succeeded[:5]:
        assert known.of([one.architecture])[0] == one.score
    others = list(evidence.search_space)
    truth = np.array([from_depth_three(one) for one in others])
    assert np.corrcoef(known.of(others), truth)[0, 1] > 0.5


def test_too_few_evaluations_to_know_returns_are_said_to_be(tmp_path):
    evidence = unavailable(read_evidence(learned(tmp_path / "run", 10)))
    section = explain_policy(evidence)
    assert isinstance(section.numbers["return"], str)
    assert "too few" in section.numbers["return"]
    assert any("is not known" in sentence for sentence in section.details)
