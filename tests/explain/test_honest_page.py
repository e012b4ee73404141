"""The first page says of what and over what its numbers are, and lists what it announces."""

import json
import re
from typing import Any

import numpy as np
import pytest
from nas_agents.runs.run import RunSpec, run
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.explain import explain, read_evidence
from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.summary.section import summarise
from tests.helpers.explain.runs import recorded, walked

NEW = r"it is right for ([\d.]+)% \(95% interval ([\d.]+)% to ([\d.]+)%\) of examples it was not trained on"
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


def test_the_accuracy_on_new_examples_is_of_the_test_part_and_counts_how_few_they_are(unequal):
    explanation = explain(unequal, budget=8, write=False, store="memory")
    text = " ".join(explanation.summary.answer)
    score, low, high = map(float, re.search(NEW, text).groups())
    final = read_evidence(unequal).result["final"][0]
    assert score == pytest.approx(100 * final["test_score"], abs=0.05)
    assert high - low > 5
    assert "Tested on 60 examples that nothing was chosen by" in text
    assert f"the network that the run kept, trained with seed {final['seed']}" in text
    # The other interval, of validation examples, says that it is over trainings.
    for found in re.finditer(
        r"95% interval(?! [\d.]+% to [\d.]+%\) of examples)([^)]*)", explanation.summary.answer[2]
    ):
        assert "over training seeds" in found[1]


def test_guessing_is_always_saying_the_most_frequent_class(unequal):
    page = summarise(read_evidence(unequal), [])
    assert "guessing would be right for 96.7% (always answering “no”)" in " ".join(page.answer)
    assert page.numbers["quality"]["constant_answer"]["answer"] == "no"


def test_no_number_is_given_twice_as_if_it_were_two(unequal):
    explanation = explain(unequal, budget=0, write=False, store="memory")
    new = explanation.facts["accuracy on new examples"]
    assert new == read_evidence(unequal).result["on_new_examples"]
    assert f"{new['score']:.1%}" in " ".join(explanation.summary.answer)


def test_a_network_that_was_not_kept_is_not_called_kept(tmp_path):
    made = searched(tmp_path, [i % 2 for i in range(200)], keep_network=False)
    text = " ".join(summarise(read_evidence(made), []).answer)
    assert "the network trained with seed" in text
    assert "kept" not in text


def test_an_unfinished_run_has_no_accuracy_on_new_examples(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 12, finished=False))
    text = " ".join(summarise(evidence, [explain_alternatives(evidence)]).answer)
    assert not re.search(NEW, text)
    assert "how good it is on examples that the search did not choose by" in text


def test_neighbours_that_the_budget_left_out_are_counted_before_anything_is_called_best(unequal):
    page = explain(unequal, budget=8, write=False, store="memory").summary.answer
    (told,) = [number for number, sentence in enumerate(page) if "budget did not allow" in sentence]
    calling = [number for number, sentence in enumerate(page) if re.search(r"\bbest\b", sentence)]
    assert all(told < number for number in calling)


def test_the_terminal_prints_every_list_that_it_announces(tmp_path):
    folder = recorded(tmp_path / "run")
    printed = CliRunner().invoke(app, ["explain", "--store", "memory", str(folder)]).stdout
    values = json.loads((folder / "explanation.json").read_text())
    answer = values["sections"]["summary"]["answer"]
    flat = " ".join(printed.split())
    for sentence in answer:
        assert " ".join(sentence.split()) in flat
    announced = re.search(r"(One|Two|Three) choices? (?:is|are) shown|these three cost most", flat)
    assert announced
    count = {"One": 1, "Two": 2}.get(announced[1], 3)
    assert sum(f"{each}, " in flat for each in ("First", "Second", "Third")) == count


def test_the_found_network_is_the_one_that_the_run_chose_whatever_shorter_trainings_saw():
    def seen(text, score, fidelity):
        return SeenEvaluation(text, score, False, 0, 0, fidelity)

    short, full = seen("relu-16", 0.9, 1), seen("relu-64", 0.8, None)
    nothing: Any = None
    assert Evidence(nothing, {}, nothing, nothing, (short, full)).chosen is full
    assert Evidence(nothing, {}, nothing, nothing, (short, seen("tanh-16", 0.7, 3))).chosen.fidelity == 3
