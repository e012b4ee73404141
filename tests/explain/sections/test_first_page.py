"""The first page says what was found, how good and how sure, why, and what is not known, of any run."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from nas_agents.runs.run import RunSpec, run
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.explain import explain, explain_evidence, read_evidence
from nas_gym.explain.fact import Verdict
from nas_gym.explain.section import Section, withheld
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.summary.section import summarise
from tests.helpers.explain.checker import contradictions
from tests.helpers.explain.runs import recorded, walked
from tests.helpers.explain.varied_runs import make_run, varied_runs

SPACE = {"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "identity"]}


def searched(folder, y, keep_network=True):
    """A finished search on numbers that say nothing of the classes."""
    x = np.random.default_rng(0).normal(size=(len(y), 2))
    np.savez(folder / "own.npz", x=x, y=np.array(y))
    env = {
        "search_space": SPACE,
        "task": str(folder / "own.npz"),
        "store": "memory",
        "evaluator": {"name": "train", "recipe": {"epochs": 2}},
    }
    made = folder / "run"
    run(RunSpec("random", 3, str(made), 0, "NAS-v0", env), keep_network=keep_network)
    return made


@pytest.fixture(scope="module")
def unequal(tmp_path_factory):
    """A search on 300 rows, of which 96% are of one class."""
    folder = tmp_path_factory.mktemp("unequal")
    return searched(folder, ["yes" if i % 25 == 0 else "no" for i in range(300)])


@pytest.fixture(scope="module")
def explained(unequal):
    """The explanation of that search."""
    return explain(unequal, budget=8, write=False, store="memory")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return read_evidence(recorded(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def alternatives(evidence):
    return explain_alternatives(evidence)


def paragraph(page, lead):
    (found,) = [text for text in page.answer if text.startswith(f"**{lead}")]
    return found


# Of the sixty every fifth one in each run of the tests, with each function and budget, the others by
# `make slow`.
SPECS = [
    pytest.param(spec, id=f"{spec['seed']}-{spec['function']}", marks=pytest.mark.slow if number % 5 else ())
    for number, spec in enumerate(varied_runs())
]


@pytest.mark.parametrize("spec", SPECS)
def test_no_sentence_contradicts_a_fact(spec, tmp_path):
    evidence = read_evidence(make_run(spec, tmp_path / "run"))
    explanation = explain_evidence(evidence)
    sections = {section.key: section for section in explanation.sections}
    if not evidence.succeeded:
        assert "Nothing was found" in explanation.summary.answer[0]
        return
    assert contradictions(explanation.summary, sections) == []


def test_no_section_contradicts_a_fact_where_a_network_was_trained(explained):
    sections = {section.key: section for section in explained.sections}
    assert contradictions(explained.summary, sections) == []
    network = sections["network"]
    assert any(fact.key == "sureness" for fact in network.facts)
    lie = replace(network, answer=(*network.answer, "It is too sure of itself: of all.", "Not sure enough."))
    assert contradictions(explained.summary, sections | {"network": lie})


def test_the_checker_finds_a_sentence_that_contradicts(evidence, alternatives):
    page = summarise(evidence, [alternatives])
    assert contradictions(page, {"alternatives": alternatives}) == []
    lies = [
        ("clearly better", "not better"),
        ("**The number to quote:** it is right for ", "**The number to quote:** it is right for 9"),
        ("(1) ", ""),
        ("Not known:", "Not known: nan,"),
    ]
    for told, lie in lies:
        wrong = replace(page, answer=tuple(text.replace(told, lie) for text in page.answer))
        assert contradictions(wrong, {"alternatives": alternatives}), told


def test_the_page_says_what_was_found_and_how_good_it_is(evidence, alternatives):
    page = summarise(evidence, [alternatives])
    words = evidence.search_space.describe(evidence.chosen.architecture).words
    assert words.lower() in page.answer[0].lower()
    assert "tell the 10 classes of mnist1d apart" in page.answer[0]
    assert f"{evidence.result['test_score']:.1%}" in paragraph(page, "The number to quote")
    assert "drawn at random" in paragraph(page, "Against its start")
    json.dumps(page.numbers, allow_nan=False)
    json.dumps([fact.as_dict() for fact in page.facts], allow_nan=False)


def test_the_number_to_quote_is_of_test_examples_and_counts_how_few_they_are(unequal, explained):
    page = explained.summary
    text = paragraph(page, "The number to quote")
    told = re.search(r"it is right for ([\d.]+)% of 60 test examples.*interval ([\d.]+) to ([\d.]+)%", text)
    final = read_evidence(unequal).result["final"][0]
    score, low, high = map(float, told.groups())
    assert score == pytest.approx(100 * final["test_score"], abs=0.05)
    assert high - low > 5
    assert page.numbers["quote"]["evidence"] == 60


def test_simple_methods_stand_beside_it_on_the_same_examples(explained):
    page = explained.summary
    text = paragraph(page, "Against simple methods")
    assert "always answering “no” 96.7%" in text
    assert "logistic regression" in text
    assert "random forest" in text
    # On labels that nothing tells, a network is no better than the constant answer.
    assert "better than guessing" not in text.replace("not clearly better or worse than guessing", "")
    (table,) = page.tables
    assert {row[0] for row in table.rows} >= {"the found network", "logistic regression"}
    gains = [fact for fact in page.facts if fact.key.startswith("gain over ") and "start" not in fact.key]
    assert len(gains) == 3
    assert all(fact.verdict is not Verdict.SHOWN or fact.estimate < 0 for fact in gains)


def test_two_explanations_of_a_run_are_the_same(unequal, explained):
    again = explain(unequal, budget=8, write=False, store="memory").as_dict()
    first = explained.as_dict()
    assert first["sections"]["summary"] == again["sections"]["summary"]


def test_reasons_are_listed_with_their_cost_and_the_best_alternative(evidence, alternatives):
    # Only the number of layers and rectifiers matter there, the widths do not.
    page = summarise(evidence, [alternatives])
    text = paragraph(page, "Why this network")
    assert "(1) " in text
    assert "width" not in text
    assert "95% interval" in text
    costs = [reason["cost"] for reason in page.numbers["reasons"]]
    assert costs == sorted(costs, reverse=True)


def test_a_page_without_other_sections_leaves_their_sentences_out(evidence):
    page = summarise(evidence, [])
    text = " ".join(page.answer)
    assert "Why this network" not in text
    assert "one change away" not in text


def test_what_does_not_apply_is_not_called_unknown(evidence, alternatives):
    no_policy = withheld("policy", "What did the agent learn?", "It has none.", is_applicable=False)
    too_few = withheld("choices", "Which choices matter?", "Too few evaluations.")
    page = summarise(evidence, [alternatives, no_policy, too_few])
    assert "What did the agent learn?" not in " ".join(page.answer)
    assert "“Which choices matter?”" in page.answer[-1]
    assert page.numbers["withheld"] == {"choices": "Too few evaluations."}


def test_neighbours_that_the_budget_left_out_are_counted(unequal):
    page = explain(unequal, budget=14, write=False, store="memory").summary
    assert re.search(r"what \d+ networks? one change away would do, which were not tested", page.answer[-1])
    none = explain(unequal, budget=0, write=False, store="memory").summary
    assert "for want of budget or time" in paragraph(none, "Is something near better?")


def test_a_smaller_network_that_is_as_good_is_named(tmp_path):
    # With two values of the score and no noise most networks are tied, so that a smaller one is as good.
    spec = varied_runs()[5] | {"agent": "random", "budget": 25}
    explanation = explain(make_run(spec, tmp_path / "run"), write=False)
    text = paragraph(explanation.summary, "Is something near better or simpler")
    smaller = explanation["alternatives"].numbers["smaller"]
    space = read_evidence(tmp_path / "run").search_space
    found = space.network(space.parse(explanation.summary.numbers["architecture"])).parameters
    assert smaller["parameters"] < found
    assert smaller["words"] in text
    # Means of the same numbers differ in their last bits, which is no difference.
    (change,) = [fact for fact in explanation.summary.facts if fact.key == "change by a smaller network"]
    assert (change.estimate, change.verdict) == (0.0, Verdict.NOT_SHOWN)


def test_a_run_of_one_step_has_an_honest_page(tmp_path):
    page = summarise(read_evidence(walked(tmp_path / "run", 1)), [])
    text = " ".join(page.answer)
    assert "tried 1 of" in text
    assert "too good to be true" in text
    assert "Not far" in page.trust


def test_an_interrupted_run_says_that_it_is_not_over(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 12, finished=False))
    page = summarise(evidence, [explain_alternatives(evidence)])
    assert "the run has not come to its end" in page.answer[-1]
    assert "the run has no result yet" in paragraph(page, "No number to quote")
    assert page.numbers["finished"] is False


@pytest.mark.usefixtures("undrawn")
def test_the_terminal_prints_the_page(tmp_path):
    folder = recorded(tmp_path / "run")
    printed = CliRunner().invoke(app, ["explain", "--store", "memory", str(folder)]).stdout
    answer = json.loads((folder / "explanation.json").read_text())["sections"]["summary"]["answer"]
    flat = " ".join(printed.split())
    for sentence in answer:
        assert " ".join(sentence.replace("**", "").replace("`", "").split()) in flat


def test_facts_are_in_the_numbers_of_the_report(evidence, alternatives):
    page = summarise(evidence, [alternatives])
    keys = [fact.key for fact in page.facts]
    assert len(keys) == len(set(keys))
    assert {"tried", "found at", "possible", "test score", "validation score"} <= set(keys)
    assert isinstance(Section("a", "A?", ("b",)).facts, tuple)
