"""The first page says what was found, how sure that is, and what is not known, of any run."""

import json

import pytest

from nas_gym.explain import read_evidence
from nas_gym.explain.section import Section, withheld
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.summary.reasons import reasons_for
from nas_gym.explain.sections.summary.section import summarise
from nas_gym.search_spaces import make_search_space
from tests.helpers.explain.runs import recorded, walked
from tests.helpers.own_space import OwnSpace

NO_POLICY = withheld("policy", "What did the agent learn?", "This agent has no policy over edits.")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return read_evidence(recorded(tmp_path_factory.mktemp("runs") / "run"))


@pytest.fixture(scope="module")
def alternatives(evidence):
    return explain_alternatives(evidence)


def test_the_page_says_what_was_found_and_how_good_it_is(evidence, alternatives):
    page = summarise(evidence, [alternatives, NO_POLICY])
    text = " ".join(page.answer)
    assert evidence.search_space.describe(evidence.chosen.architecture).words in text
    assert f"{alternatives.numbers['chosen']['score']:.1%}" in text
    assert "95% interval" in text
    assert "guessing would be right for 10.0% (always answering “0”)" in text
    assert "drawn at random" in text
    assert "The network that the search started from" in text
    assert "“What did the agent learn?”" in page.answer[-1]
    json.dumps(page.numbers, allow_nan=False)


def test_the_choices_that_made_it_good_are_those_of_the_planted_landscape(evidence, alternatives):
    # Only the number of layers and rectifiers matter there, the widths do not.
    reasons = reasons_for(evidence, alternatives.numbers, {})
    assert reasons
    assert not any("width" in reason.choice for reason in reasons)
    assert all(reason.low > 0 for reason in reasons)
    page = summarise(evidence, [alternatives])
    assert any(sentence.startswith("First, ") for sentence in page.answer)


def test_what_the_whole_run_says_of_a_choice_stands_beside_its_cost_and_changes_no_order(
    evidence, alternatives
):
    plain = reasons_for(evidence, alternatives.numbers, {})
    entry = {"name": plain[1].choice, "importance": 0.0004, "p": 0.01, "significant": True}
    agreed = reasons_for(evidence, alternatives.numbers, {"choices": [entry]})
    assert [one.choice for one in agreed] == [one.choice for one in plain]
    assert agreed[1].significant
    assert agreed[1].spread == pytest.approx(0.02)
    section = Section("choices", "Which choices matter?", (), numbers={"choices": [entry]})
    assert "it matters in other networks, too" in " ".join(
        summarise(evidence, [alternatives, section]).answer
    )


def test_a_page_without_other_sections_leaves_their_sentences_out(evidence):
    page = summarise(evidence, [])
    assert "on average over 3 new trainings with seeds that the search did not use" in " ".join(page.answer)
    assert "makes it good" not in " ".join(page.answer)
    json.dumps(page.numbers, allow_nan=False)


def test_a_run_of_one_step_has_an_honest_page(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 1))
    page = summarise(evidence, [])
    text = " ".join(page.answer)
    assert "tried 1 network of" in text
    assert "only network tried" in text
    assert "too good to be true" in text
    assert "Not far" in page.trust


def test_an_interrupted_run_says_that_it_is_not_over(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 12, finished=False))
    page = summarise(evidence, [explain_alternatives(evidence)])
    assert "the run has not come to its end" in page.answer[-1]
    assert page.numbers["finished"] is False


@pytest.mark.parametrize(
    ("space", "text", "words"),
    [
        (
            "mlp",
            "relu-64 > identity-16",
            "a network of two layers: 64 units with relu, then 16 units with no activation",
        ),
        (
            "conv",
            "conv3-16-relu > max_pool > sep3-32-tanh + skip 0-2",
            "with a shortcut from the input to layer 2",
        ),
        (
            "conv",
            "conv5-16-tanh",
            "a network of one layer: a convolution of width 5 with 16 channels and tanh",
        ),
        ("cell", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "without any connection"),
        (
            "cell",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "a direct connection from its input to its output",
        ),
    ],
)
def test_a_network_is_described_in_words(space, text, words):
    built = make_search_space(space, (1, 40), 10)
    assert words in built.describe(built.parse(text)).words


def test_a_network_of_a_space_of_ones_own_is_described_in_words():
    space = OwnSpace((4,), 2)
    assert space.describe(space.smallest()).words == "a network with width 4, activation relu and repeats 1"
