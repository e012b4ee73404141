"""What a report says of a search by gradients."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gymnasium as gym
import pytest
from nas_agents import make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.explain.registry import questions
from nas_gym.explain.section import Settings
from nas_gym.explain.sections.shared_weights.section import SHARED_WEIGHTS
from nas_gym.explain.sections.summary.text import Words
from nas_gym.traces import RunFolder, Trace
from tests.helpers.supernets import CELL, RECIPE, signals, space_of

SMALL = CELL | {"channels": [4], "operations": ["none", "skip_connect", "nor_conv_3x3"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "darts"
    options = {"search_space": SMALL, "task": signals(120, 8), "store": "memory"}
    env = gym.make("NAS-v0", evaluator={"name": "train", "recipe": RECIPE}, **options)
    traced = Trace(env, folder, agent="darts")
    traced.finish(make_agent("darts").search(traced, 16, 0).as_dict())
    return folder


def section_of(folder):
    task = signals(120, 8)
    space = space_of(SMALL, task)
    evidence = SimpleNamespace(folder=RunFolder(folder), metric=task.target.metric, search_space=space)
    return SHARED_WEIGHTS(evidence, Settings())


def test_places_are_told_with_what_they_were_decided_for(folder):
    section = section_of(folder)
    last = json.loads((folder / "one_shot.jsonl").read_text().splitlines()[-1])
    (table,) = section.tables
    assert [row[0] for row in table.rows] == list(last["weights"])
    for name, value, weight, lead, since in table.rows:
        row = last["weights"][name]
        assert value == SMALL["operations"][row.index(max(row))]
        first, gap = last["decided"][name]
        assert (weight, since, lead) == (round(max(row), 3), first, round(gap, 3))
    assert section.numbers["readings"][-1] == last
    assert "6 places" in section.answer[0]
    assert len(section.figures) == 1


def test_a_warning_is_told_with_its_epoch(folder):
    file = folder / "one_shot.jsonl"
    before = file.read_text()
    lines = [json.loads(line) for line in before.splitlines()]
    lines[1]["warning"] = "The search seems to collapse: skips lead."
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = section_of(folder).answer[-1]
    assert told.startswith(f"After epoch {lines[1]['epoch']}, ")
    assert told.endswith("skips lead.")
    file.write_text(before)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (
            [15.5],
            "darts compared the 729 possible networks by weights that they share, for as much arithmetic as "
            "14.5 trainings take, and trained 1 alone.",
        ),
        (None, "darts tried 1 of 729 possible networks."),
    ],
)
def test_the_first_page_says_that_networks_were_compared_by_shared_weights(shares, said):
    problem = SimpleNamespace(task=signals(40, 8))
    evidence = SimpleNamespace(problem=problem, config={"agent": "darts"}, result={"shares": shares})
    counts = {"tried": 1, "possible": 729}
    facts = {name: SimpleNamespace(estimate=count) for name, count in counts.items()}
    page = SimpleNamespace(words="a cell", parameters=0, **facts)
    assert Words(evidence, page).found().endswith(said)


def test_a_damaged_file_withholds_the_answer_in_a_sentence(folder):
    file = folder / "one_shot.jsonl"
    before = file.read_text()
    file.write_text("{")
    with pytest.raises(NASGymError, match="is damaged"):
        section_of(folder)
    file.write_text(before)


def test_only_runs_with_readings_are_asked():
    keys = [question.key for question in questions()]
    assert "shared_weights" not in keys
    assert [question.key for question in questions(of_shared_weights=True)] == [*keys, "shared_weights"]
