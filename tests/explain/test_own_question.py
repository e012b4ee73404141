"""A question from outside the package is answered in every form of a report."""

from __future__ import annotations

import importlib
import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas_gym.errors import NASGymError
from nas_gym.explain import Question, explain, register_question
from nas_gym.explain.registry import QUESTIONS
from tests.helpers.explain.runs import walked

MODULE = """
from nas_gym.explain import Figure, Question, Section, Table, register_question

KEY, TEXT = "failures", "How many networks failed to train?"

def explain_failures(evidence, settings):
    failed = sum(one.failed for one in evidence.seen)
    return Section(
        KEY,
        TEXT,
        (f"{failed} of {len(evidence.seen)} networks failed to train.",),
        trust="This is counted.",
        tables=(Table("counts", "Networks by outcome.", ("outcome", "networks"), (("failed", failed),)),),
        figures=(Figure("bar", "How many failed.", f"{failed} failed.", lambda c: c.subplots().bar(0, 1)),),
        numbers={"failed": failed},
    )

register_question(Question(KEY, TEXT, explain_failures))
"""
TEXT = "How many networks failed to train?"
ANSWER = "0 of 3 networks failed to train."


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """Registers the question of a module outside the package, and takes it away again."""
    before = dict(QUESTIONS)
    (tmp_path / "own_question.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("own_question")
    QUESTIONS.clear()
    QUESTIONS.update(before)


@pytest.mark.usefixtures("registered")
def test_an_own_question_is_in_the_report_the_numbers_and_tensorboard(tmp_path):
    run = walked(tmp_path / "run", 3)
    stages = []
    explanation = explain(run, budget=0, store="memory", on_progress=lambda *stage: stages.append(stage))
    assert explanation["failures"].answer == (ANSWER,)
    assert explanation.report == run / "report.html"
    for file in ("report.html", "report.md"):
        text = (run / file).read_text()
        assert TEXT in text
        assert ANSWER in text
    section = json.loads((run / "explanation.json").read_text())["sections"]["failures"]
    assert section["question"] == TEXT
    assert section["numbers"] == {"failed": 0}
    assert (run / "report_figures" / "failures-bar.png").is_file()
    events = EventAccumulator(str(run / "explanation"), size_guidance={"tensors": 0}).Reload()
    tags = events.Tags()["tensors"]
    assert any(tag.startswith(f"10_failures/{TEXT}") for tag in tags)
    assert "10_failures/bar" in tags
    assert stages[-2] == (10, 12, TEXT)
    assert stages[-1] == (11, 12, "Writing the report")


def test_a_key_that_no_file_or_tag_can_have_is_refused():
    for key in ("", "two words", "summary"):
        with pytest.raises(NASGymError, match="must be a word other than 'summary'"):
            register_question(Question(key, "Why?", lambda evidence, settings: None))  # type: ignore[arg-type, return-value]
    assert set(QUESTIONS) == {
        "choices",
        "edits",
        "alternatives",
        "policy",
        "moments",
        "attention",
        "network",
        "costs",
        "usage",
    }


def test_a_question_of_the_registry_has_the_key_that_it_stands_under():
    from nas_gym.explain.registry import questions

    assert [question.key for question in questions()] == list(QUESTIONS)


def test_a_folder_of_runs_is_no_run_to_compare_another_with(tmp_path):
    runs = [walked(tmp_path / "agent" / f"seed{seed}", 1) for seed in range(2)]
    with pytest.raises(NASGymError, match="holds runs and is not one itself") as refused:
        explain(runs[0], tmp_path, store="memory")
    assert all(str(run) in str(refused.value) for run in runs)


def test_two_runs_are_compared_and_the_report_is_written_where_both_are(tmp_path):
    runs = [walked(tmp_path / f"seed{seed}", 4) for seed in range(2)]
    assert explain(*runs, store="memory", write=False).report is None
    explanation = explain(*runs, store="memory")
    assert explanation.report is not None
    assert explanation.report.resolve() == (tmp_path / "comparison-of-policies.html").resolve()
    assert explain(*runs, store="memory", folder=tmp_path / "out").report == (
        tmp_path / "out" / "comparison-of-policies.html"
    )
