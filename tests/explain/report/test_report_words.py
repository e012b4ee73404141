"""The words of a report: the finding first and short, the rest folded, one way of counting."""

from __future__ import annotations

import json
import re

import pytest
from nas_agents.runs.run import RunSpec, run

from nas_gym.explain import explain_evidence, read_evidence
from nas_gym.explain.registry import QUESTIONS

MOST_SENTENCES = 4
END = re.compile(r"[.!?](?:\s+(?=[A-Z0-9])|$)")
RUNS = {
    "learned little": ("q-learning", 40, {}),
    "asked": ("tpe", 25, {}),
    "few evaluations": ("q-learning", 6, {"horizon": 4}),
}


@pytest.fixture(scope="module", params=RUNS)
def explanation(request, tmp_path_factory):
    agent, budget, options = RUNS[request.param]
    folder = tmp_path_factory.mktemp("words") / "run"
    env = {"evaluator": {"name": "table", "benchmark": "mlp"}, "task": "mnist1d", **options}
    run(RunSpec(agent, budget, str(folder), 0, "NAS-v0", env))
    return explain_evidence(read_evidence(folder))


def sentences(text: str) -> int:
    return len(END.findall(re.sub(r"`[^`]*`|\d\.\d", "x", text)))


def test_a_section_begins_with_its_finding_in_few_sentences(explanation):
    assert [section.key for section in explanation.sections] == list(QUESTIONS)
    for section in explanation.sections:
        assert 1 <= sum(map(sentences, section.answer)) <= MOST_SENTENCES, section.answer
        assert sentences(section.trust) <= 1, section.trust


def test_a_section_without_a_finding_is_one_sentence(explanation):
    without = [section for section in explanation.sections if not section.has_finding]
    assert without
    for section in without:
        assert len(section.answer) == 1, section.answer
        assert section.trust == ""


def test_nothing_is_lost_that_is_folded(explanation):
    written = json.loads(json.dumps(explanation.as_dict()))["sections"]
    for section in explanation.sections:
        assert written[section.key]["details"] == list(section.details)
        assert written[section.key]["has_finding"] == section.has_finding


def test_steps_are_counted_from_the_first_of_the_run(explanation):
    section = explanation["moments"]
    told = re.findall(r"^Step (\d+)", "\n".join(section.answer), re.MULTILINE)
    if "steps" not in section.numbers:
        assert not told
        return
    numbers = [moment["step"] for moment in section.numbers["moments"]]
    assert set(map(int, told)) <= set(numbers) == {row[0] for row in section.tables[0].rows}
    assert min(numbers) >= 1
    assert max(numbers) <= section.numbers["steps"]
    assert "episode" not in " ".join(section.answer)


def test_no_number_is_minus_nothing(explanation):
    texts = [text for one in explanation.sections for text in (*one.answer, *one.details, one.trust)]
    texts += [
        text for one in explanation.sections for f in one.figures for text in (f.caption, f.alternative)
    ]
    assert not [text for text in texts if re.search(r"-0\.0+\b", text)]
