"""What a report says of a search by gradients."""

from __future__ import annotations

import json
import shutil
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
    table = section.tables[0]
    assert [row[0] for row in table.rows] == list(last["weights"])
    for name, value, weight, lead, since, *_ in table.rows:
        row = last["weights"][name]
        assert value == SMALL["operations"][row.index(max(row))]
        first, gap = last["decided"][name]
        assert (weight, since, lead) == (round(max(row), 3), first, round(gap, 3))
    assert section.numbers["readings"][-1] == last
    assert "6 places" in section.answer[1]


def test_a_warning_is_told_with_its_epoch(folder):
    file = folder / "one_shot.jsonl"
    before = file.read_text()
    lines = [json.loads(line) | {"warning": "", "degenerate": False} for line in before.splitlines()]
    lines[1]["warning"] = "The search seems to collapse: skips lead."
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = section_of(folder).answer[0]
    assert told.startswith(f"Something went wrong after epoch {lines[1]['epoch']}, ")
    assert "skips lead. It did not end at a collapsed choice" in told
    assert told.endswith(f"; 1 of {len(lines)} readings warned.")
    lines[-1]["degenerate"] = True
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "skips lead. It ended at a collapsed choice" in section_of(folder).answer[0]
    file.write_text(before)


def test_where_nothing_could_collapse_the_report_says_so(folder):
    file = folder / "one_shot.jsonl"
    before = file.read_text()
    quiet = {"warning": "", "degenerate": False, "free_weight": None}
    lines = [json.loads(line) | quiet for line in before.splitlines()]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    section = section_of(folder)
    file.write_text(before)
    assert section.answer[0] == (
        "In no place could a candidate without weights win over one with weights: none could collapse."
    )
    assert not any("of the weight first" in words for words in section.details)


def test_what_is_lost_without_a_candidate_is_told_beside_its_weight(folder):
    section = section_of(folder)
    last = json.loads((folder / "one_shot.jsonl").read_text().splitlines()[-1])
    decisions, without = section.tables
    place = max(last["without"], key=lambda name: max(last["without"][name]))
    points = 100 * max(last["without"][place])
    assert any(
        words.startswith(f"The place that mattered most is {place}") and f"loses {points:.1f} points" in words
        for words in section.answer
    )
    assert len(without.rows) == 18
    for name, candidate, weight, lost in without.rows:
        number = SMALL["operations"].index(candidate)
        assert weight == round(last["weights"][name][number], 3)
        assert lost == round(100 * last["without"][name][number], 1)
    for row in decisions.rows:
        name, missed, most = row[0], row[6], row[7]
        losses = last["without"][name]
        assert SMALL["operations"].index(missed) == losses.index(max(losses))
        assert most == round(100 * max(losses), 1)
    assert [figure.name for figure in section.figures] == ["decisions", "without"]


def test_a_reading_of_an_earlier_version_is_told_without_what_is_lost(folder):
    file = folder / "one_shot.jsonl"
    before = file.read_text()
    lines = [json.loads(line) for line in before.splitlines()]
    for line in lines:
        del line["without"], line["agreement"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    section = section_of(folder)
    assert [table.name for table in section.tables] == ["decisions"]
    assert not any("mattered" in words for words in section.answer)
    file.write_text(before)


def test_places_that_other_seeds_decide_alike_are_told(folder):
    shutil.copytree(folder, folder.parent / "seed1")
    other = folder.parent / "seed1" / "one_shot.jsonl"
    lines = [json.loads(line) for line in other.read_text().splitlines()]
    row = lines[-1]["weights"]["edge 0-1"]
    row.append(row.pop(0))
    other.write_text("".join(json.dumps(line) + "\n" for line in lines))
    section = section_of(folder)
    assert "Of 1 other seed of this search 0 made the same choice throughout; 5 of 6 places" in " ".join(
        section.answer
    )
    assert [row[-1] for row in section.tables[0].rows] == ["0 of 1", *["1 of 1"] * 5]
    config = folder.parent / "seed1" / "config.json"
    config.write_text(config.read_text().replace('"darts"', '"drnas"'))
    assert "Whether another seed would choose the same is not known" in " ".join(section_of(folder).answer)
    other.write_text("{")
    config.write_text(config.read_text().replace('"drnas"', '"darts"'))
    assert "1 run beside this one could not be read" in " ".join(section_of(folder).answer)
    shutil.rmtree(folder.parent / "seed1")


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
