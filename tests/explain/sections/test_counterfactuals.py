"""What one edit would change: every neighbour, against planted truth, within a budget."""

import json
import math
from dataclasses import replace

import pytest

from nas_gym.explain import read_evidence
from nas_gym.explain.evidence.rescoring import SEEDS, affordable, control_seeds
from nas_gym.explain.section import Settings
from nas_gym.explain.sections.alternatives.analysis import find_alternatives
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.alternatives.smaller import CANDIDATES
from tests.helpers.data.tables import fake_table, shelve
from tests.helpers.explain.runs import depth_and_relus, recorded, walked
from tests.helpers.fakes import fake_env


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on a function of known truth with noise."""
    return recorded(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def evidence(run):
    return read_evidence(run)


def with_evaluator(evidence, score):
    """The same run, whose further evaluations cost trainings."""
    config = evidence.search_space.config()
    return replace(evidence, problem=fake_env(score, config).unwrapped)


def truth_of(found):
    best = depth_and_relus(found.chosen)
    return {str(one.architecture): depth_and_relus(one.architecture) - best for one in found.neighbours}


def test_every_neighbour_is_compared_on_seeds_that_the_search_did_not_see(evidence):
    found = find_alternatives(evidence)
    space = evidence.search_space
    assert {str(one.architecture) for one in found.neighbours} == set(
        map(str, space.neighbours(found.chosen))
    )
    assert all(len(found.scores.of(one.architecture)) == SEEDS for one in found.neighbours)
    assert len(found.scores.of(found.chosen)) == control_seeds(len(found.neighbours))
    seen = {str(one.architecture): one.score for one in evidence.seen}
    assert all(seen[text] not in found.scores.scores[text] for text in seen if text in found.scores.scores)


def test_all_intervals_hold_at_once_and_verdicts_are_never_wrong(run):
    held, wrong, repeats = 0, 0, 60
    for seed in range(repeats):
        evidence = read_evidence(run)
        evidence.config["config"]["seed"] = seed
        found = find_alternatives(evidence)
        truth = truth_of(found)
        within = [one.low <= truth[str(one.architecture)] <= one.high for one in found.neighbours]
        held += all(within)
        wrong += sum(
            _is_wrong(one.verdict, truth[str(one.architecture)], found.margin) for one in found.neighbours
        )
    assert held >= 0.88 * repeats
    assert wrong <= 0.1 * repeats


def _is_wrong(verdict, truth, margin):
    return {
        "breaks": truth >= -margin,
        "worse": truth >= 0,
        "improves": truth <= 0,
        "does not matter": abs(truth) > margin,
    }.get(verdict, False)


def test_without_noise_every_verdict_is_the_truth(tmp_path):
    evidence = read_evidence(recorded(tmp_path / "run", budget=60))
    found = find_alternatives(with_evaluator(evidence, lambda one, seed: depth_and_relus(one)))
    truth = truth_of(found)
    for one in found.neighbours:
        change = truth[str(one.architecture)]
        if abs(change) < 1e-9:
            assert one.verdict == "does not matter"  # a width, which the landscape leaves without effect
        else:
            assert one.verdict == ("breaks" if change < 0 else "improves")
        assert one.change == pytest.approx(change)


def test_the_chosen_network_is_measured_again_and_its_optimism_stated(evidence):
    section = explain_alternatives(evidence)
    chosen = section.numbers["chosen"]
    assert chosen["optimism"] == pytest.approx(evidence.chosen.score - chosen["score"])
    assert chosen["low"] <= depth_and_relus(evidence.chosen.architecture) <= chosen["high"]
    if chosen["optimism"] > 0:
        assert any("too optimistic" in sentence for sentence in (*section.answer, *section.details))


def test_the_section_is_json_and_names_what_its_numbers_say(evidence):
    section = explain_alternatives(evidence)
    json.dumps(section.numbers, allow_nan=False)
    numbers = section.numbers
    assert sum(numbers["verdicts"].values()) == len(numbers["neighbours"])
    assert str(numbers["verdicts"].get("breaks", 0)) in " ".join(section.answer)
    assert "hold at once" in section.trust
    assert {figure.name for figure in section.figures} <= {"neighbours", "path"}
    assert section.tables[0].name == "neighbours"
    assert len(section.tables[0].rows) == len(numbers["neighbours"])


def test_the_way_is_told_from_where_the_finding_episode_began(evidence):
    numbers = explain_alternatives(evidence).numbers
    path = numbers["path"]
    assert (
        path["architectures"][0] == numbers["start"]["architecture"] == str(evidence.search_space.smallest())
    )
    assert path["architectures"][-1] == str(evidence.chosen.architecture)
    assert numbers["steps_taken"] >= len(path["edits"])
    assert all(score is not None for score in path["scores"])


@pytest.mark.parametrize("budget", [0, 3, 12, 30, 61, 200])
def test_no_more_is_trained_than_the_budget_allows(evidence, budget):
    costly = with_evaluator(evidence, lambda one, seed: depth_and_relus(one) + 0.001 * (seed % 7))
    section = explain_alternatives(costly, Settings(budget=budget))
    assert len(costly.evaluator.trained) <= budget
    numbers = section.numbers
    told = len(numbers["neighbours"]) + len(numbers["not_affordable"])
    assert told == len(evidence.search_space.neighbours(evidence.chosen.architecture))
    if numbers["not_affordable"]:
        assert any("not tested, for want of budget or time" in sentence for sentence in section.answer)
    json.dumps(numbers, allow_nan=False)


def test_everything_is_trained_as_one_batch_and_smaller_networks_as_another(evidence, monkeypatch):
    costly = with_evaluator(evidence, lambda one, seed: depth_and_relus(one))
    batches = []
    evaluate = costly.evaluator.evaluate
    monkeypatch.setattr(
        costly.evaluator, "evaluate", lambda requests: batches.append(len(requests)) or evaluate(requests)
    )
    explain_alternatives(costly)
    assert len(batches) <= 2
    assert sum(batches[1:]) <= CANDIDATES * SEEDS


def test_all_affordable_neighbours_are_counted_with_the_control():
    for most in range(100):
        count = affordable(20, 3, most)
        assert count == 0 or count * SEEDS + control_seeds(count) + 3 <= most
    assert affordable(20, 3, math.inf) == 20


def test_a_neighbour_that_fails_to_train_breaks_the_network(evidence):
    chosen = str(evidence.chosen.architecture)

    def score(one, seed):
        broken = any(activation == "tanh" for _, activation in one.layers) and str(one) != chosen
        return math.nan if broken else depth_and_relus(one)

    section = explain_alternatives(with_evaluator(evidence, score))
    failed = [one for one in section.numbers["neighbours"] if one["verdict"] == "fails"]
    assert failed
    assert all(one["change"] is None for one in failed)
    json.dumps(section.numbers, allow_nan=False)


def test_where_the_chosen_network_fails_anew_nothing_is_compared(evidence):
    section = explain_alternatives(with_evaluator(evidence, lambda one, seed: math.nan))
    assert "every new training of it failed" in section.answer[0]
    json.dumps(section.numbers, allow_nan=False)


def test_a_run_of_one_step_has_alternatives_too(tmp_path):
    section = explain_alternatives(read_evidence(walked(tmp_path / "run", 1)))
    assert section.numbers["neighbours"]
    json.dumps(section.numbers, allow_nan=False)


def table_run(tmp_path, monkeypatch, **options):
    from nas_agents.runs.run import RunSpec, run

    monkeypatch.setenv("NAS_GYM_TABLES", str(tmp_path))
    table = shelve(fake_table(**options))
    evaluator = {"name": "table", "benchmark": "fake"}
    run(
        RunSpec(
            "q-learning", 20, str(tmp_path / "run"), 0, "NAS-v0", {"evaluator": evaluator, "task": "mnist1d"}
        )
    )
    return table, read_evidence(tmp_path / "run")


def test_a_table_gives_its_seeds_and_the_place_among_all_networks(tmp_path, monkeypatch):
    table, evidence = table_run(tmp_path, monkeypatch)
    numbers = explain_alternatives(evidence).numbers
    index = table.search_space.index(evidence.chosen.architecture)
    assert numbers["chosen"]["score"] == pytest.approx(table.scores()[index].mean())
    assert numbers["chosen"]["seeds"] == 3
    assert numbers["random"]["beaten"] == pytest.approx(
        (table.mean_score() < table.mean_score()[index]).mean()
    )
    first = numbers["neighbours"][0]
    other = table.search_space.index(table.search_space.parse(first["architecture"]))
    assert first["change"] == pytest.approx(table.mean_score()[other] - table.mean_score()[index])
    assert not numbers["chosen"]["unseen_seeds"]
    assert numbers["chosen"]["optimism"] is None


def test_a_table_that_recorded_one_number_each_gives_no_intervals(tmp_path, monkeypatch):
    _, evidence = table_run(tmp_path, monkeypatch, unseeded=(1, 3, 9))
    section = explain_alternatives(evidence)
    assert {one["low"] for one in section.numbers["neighbours"]} == {None}
    assert set(section.numbers["verdicts"]) <= {"unclear", "fails"}
    assert "no interval" in section.trust
    json.dumps(section.numbers, allow_nan=False)
