"""Explaining a run: which files there are then, also of runs in which not much happened."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from nas_gym.errors import NASGymError
from nas_gym.explain import Question, explain_evidence, read_evidence, write_explanation
from nas_gym.explain.live import evaluations_of, explain_live
from nas_gym.explain.registry import QUESTIONS
from nas_gym.traces import RunFolder
from tests.helpers.explain import sections
from tests.helpers.explain.runs import recorded, walked

WRITTEN = {"report.html", "report.md", "explanation.json", "report_figures", "explanation"}


def explained(folder: Path, **options):
    evidence = read_evidence(folder)
    explanation = explain_evidence(evidence, None, sections.questions(**options))
    return explanation, write_explanation(evidence, explanation)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run that was explained."""
    folder = recorded(tmp_path_factory.mktemp("run") / "seed0")
    return folder, *explained(folder, withhold="policy")


def test_an_explanation_lies_beside_the_run(run):
    folder, explanation, report = run
    assert {path.name for path in folder.iterdir()} >= WRITTEN
    assert report == folder / "report.html"
    assert "Why this network? Agent q-learning, task mnist1d, search space mlp" in report.read_text()
    assert [section.key for section in explanation.all_sections] == ["summary", *QUESTIONS]


def test_every_number_is_in_the_json_file(run):
    folder, explanation, _ = run
    values = json.loads((folder / "explanation.json").read_text())
    assert values == json.loads(json.dumps(explanation.as_dict()))
    assert values["sections"]["choices"]["numbers"] == {"value": 0.4, "interval": [0.35, 0.5]}
    assert values["sections"]["policy"]["withheld"]
    assert values["facts"]["distinct evaluations"] == 50
    assert values["facts"]["state of the run"] == "finished"
    result = json.loads((folder / "result.json").read_text())
    assert values["facts"]["test accuracy, mean over fresh seeds"] == result["test_score"]


def test_explaining_again_writes_the_same(run):
    folder, *_ = run
    before = {name: (folder / name).read_bytes() for name in ("report.html", "report.md", "explanation.json")}
    explained(folder, withhold="policy")
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert len(list((folder / "explanation").glob("events.out.tfevents.*"))) == 1


def test_recording_anew_removes_the_explanation(tmp_path):
    folder = walked(tmp_path / "run", 3, finished=False)
    explained(folder)
    walked(folder, 3)
    assert not WRITTEN & {path.name for path in folder.iterdir()}


def test_a_run_of_one_step_is_explained(tmp_path):
    explanation, report = explained(walked(tmp_path / "run", 1))
    assert explanation.facts["steps"] == 1
    assert "1,0" not in report.read_text().split("networks tried")[1][:60]


def test_an_interrupted_run_is_explained_as_far_as_it_got(tmp_path):
    folder = walked(tmp_path / "run", 20, finished=False)
    trace = folder / "trace.jsonl"
    lines = trace.read_text().splitlines(keepends=True)
    trace.write_text("".join(lines[:-1]) + lines[-1][:40])
    explanation, _ = explained(folder)
    assert explanation.facts["state of the run"] == "not finished, explained as far as it got"
    assert explanation.facts["steps"] == 19


def test_a_run_in_which_everything_failed_says_so_and_why(tmp_path):
    explanation, report = explained(walked(tmp_path / "run", 5, function="always_fails"))
    assert "could be trained" in explanation.summary.answer[0]
    assert "training diverged in epoch 1" in explanation.summary.answer[1]
    assert all(section.withheld for section in explanation.sections)
    assert "Nothing was found" in report.read_text()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(NASGymError, match="holds no run"):
        read_evidence(tmp_path)
    with pytest.raises(NASGymError, match="nothing was evaluated"):
        read_evidence(walked(tmp_path / "run", 1, reward="final"))


def test_a_part_that_refuses_is_withheld_with_its_sentence(tmp_path):
    def refuse(evidence, settings):
        raise NASGymError("the policy is of another search space")

    folder = walked(tmp_path / "run", 3)
    asked = [*sections.questions(), Question("refused", "Is it refused?", refuse)]
    explanation = explain_evidence(read_evidence(folder), None, asked)
    assert explanation["refused"].withheld
    assert "another search space" in explanation["refused"].answer[0]


def test_an_interrupted_explanation_leaves_the_old_report_whole(tmp_path):
    folder = walked(tmp_path / "run", 3)
    _, report = explained(folder)
    before = report.read_text()

    def interrupt(evidence, settings):
        raise KeyboardInterrupt

    asked = [*sections.questions(), Question("late", "Is it late?", interrupt)]
    with pytest.raises(KeyboardInterrupt):
        explain_evidence(read_evidence(folder), None, asked)
    assert report.read_text() == before
    assert not list(folder.rglob("*.unfinished"))


class Growing:
    """A run that goes on while it is waited for: each wait adds some lines of its trace."""

    def __init__(self, folder: Path, lines_each: int) -> None:
        self.folder, self.each = RunFolder(folder), lines_each
        self.lines = self.folder.trace_file.read_text().splitlines(keepends=True)
        self.result = self.folder.result_file.read_text()
        self.folder.result_file.unlink()
        self.shown = 1
        self.wait(0)

    def wait(self, seconds: float) -> None:
        self.shown += self.each
        rest = self.lines[self.shown : self.shown + 1]
        text = "".join(self.lines[: self.shown]) + "".join(line[:30] for line in rest)
        self.folder.trace_file.write_text(text)
        if not rest:
            self.folder.result_file.write_text(self.result)


def test_a_run_that_goes_on_is_explained_every_so_many_evaluations(tmp_path):
    folder = recorded(tmp_path / "run", budget=20)
    growing = Growing(folder, lines_each=9)
    seen = []
    for explained_so_far in explain_live(folder, 6, selected=sections.questions(), wait=growing.wait):
        seen.append((explained_so_far.evaluations, explained_so_far.over))
        assert (
            json.loads((folder / "explanation.json").read_text())["facts"]["distinct evaluations"]
            == seen[-1][0]
        )
    assert seen[-1] == (20, True)
    assert len(seen) >= 3
    assert all(later - earlier >= 6 for (earlier, _), (later, _) in pairwise(seen[:-1]))
    assert len(list((folder / "explanation").glob("events.out.tfevents.*"))) == len(seen)


def test_a_run_that_was_killed_is_explained_once_more(tmp_path):
    folder = walked(tmp_path / "run", 12, finished=False)
    waits = []
    seen = list(explain_live(folder, 100, selected=sections.questions(), wait=waits.append))
    assert [one.over for one in seen] == [False, True]
    assert sum(waits) >= 10


def test_the_count_of_a_trace_is_of_its_last_whole_line(tmp_path):
    folder = walked(tmp_path / "run", 12, finished=False)
    whole = evaluations_of(RunFolder(folder))
    with (folder / "trace.jsonl").open("a") as file:
        file.write('{"kind":"step","unique":99')
    assert evaluations_of(RunFolder(folder)) == whole
    assert evaluations_of(RunFolder(tmp_path)) == 0


def test_bad_cadences_are_refused(tmp_path):
    with pytest.raises(NASGymError, match="at least 1"):
        next(explain_live(tmp_path, 0))
    with pytest.raises(NASGymError, match="holds no run"):
        next(explain_live(tmp_path, 5))
