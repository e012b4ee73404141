"""A run's folder: whose it is, and what is wiped."""

from __future__ import annotations

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.traces import RunFolder
from nas_gym.traces.run_folder import FORMAT, RESULT_FORMAT, as_json, flat, write_json

CONFIG = {
    "format": FORMAT,
    "agent": "q",
    "env": {"horizon": 20, "reward": {"name": "score"}},
    "config": {},
}


def test_the_same_config_may_come_again_and_another_is_refused_by_what_differs(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.prepare(CONFIG)
    folder.prepare(CONFIG)
    other = CONFIG | {"env": {"horizon": 10, "reward": {"name": "final"}}, "config": {"alpha": 0.5}}
    with pytest.raises(NASGymError) as raised:
        folder.check(other)
    sentence = str(raised.value)
    assert "env.horizon is 20 there and 10 here" in sentence
    assert 'env.reward.name is "score" there and "final" here' in sentence
    assert "config.alpha is absent there and 0.5 here" in sentence
    assert "\n" not in sentence


def test_only_the_first_differences_are_named(tmp_path):
    folder = RunFolder(tmp_path)
    folder.prepare(CONFIG)
    with pytest.raises(NASGymError, match="and 2 more"):
        folder.check(CONFIG | {"config": dict.fromkeys("abcde", 1)})


def test_wiping_removes_what_a_run_writes_and_nothing_else(tmp_path):
    folder = RunFolder(tmp_path)
    folder.prepare(CONFIG)
    (tmp_path / "policy").mkdir()
    for name in ("result.json", "policy/10.npz", "events.out.tfevents.1.host", "report.md", "best.pt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    folder.wipe()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "notes.txt"]


def test_a_folder_of_another_program_is_refused(tmp_path):
    (tmp_path / "events.out.tfevents.1.host").write_text("theirs")
    with pytest.raises(NASGymError, match=r"holds events.out.tfevents.1.host but no config.json"):
        RunFolder(tmp_path).check(CONFIG)
    assert (tmp_path / "events.out.tfevents.1.host").exists()


def test_a_state_without_its_config_is_refused(tmp_path):
    RunFolder(tmp_path).state_file.write_bytes(b"of whichever search")
    with pytest.raises(NASGymError, match=r"holds search_state.pt but no config.json"):
        RunFolder(tmp_path).check(CONFIG)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"name": "their config"}', "is no config of a run, since it names no format"),
        ('{"format": "toml"}', "is no config of a run"),
        ("[1]", "holds no JSON object"),
    ],
)
def test_a_config_of_another_program_is_refused(tmp_path, content, sentence):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(NASGymError, match=sentence):
        RunFolder(tmp_path).check(CONFIG)


def test_a_damaged_config_gives_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(NASGymError, match="is no JSON"):
        RunFolder(tmp_path).config()


def test_a_run_is_finished_when_its_result_is_there(tmp_path):
    folder = RunFolder(tmp_path)
    folder.prepare(CONFIG)
    assert not folder.is_finished
    with pytest.raises(NASGymError, match="holds no finished run"):
        folder.result()
    outcome = {"format": RESULT_FORMAT, "score": 0.5}
    write_json(folder.result_file, outcome)
    assert folder.is_finished
    assert folder.result() == outcome


def test_a_folder_that_holds_no_run_gives_one_sentence(tmp_path):
    with pytest.raises(NASGymError, match="holds no run"):
        RunFolder(tmp_path / "missing").config()


def test_snapshots_are_in_the_order_of_their_evaluations(tmp_path):
    (tmp_path / "policy").mkdir()
    for name in ("100.npz", "9.npz", "25.npz"):
        (tmp_path / "policy" / name).touch()
    assert list(RunFolder(tmp_path).snapshots()) == [9, 25, 100]


def test_a_config_passes_through_json(tmp_path):
    values = {"a": np.float64(0.5), "b": np.int64(3), "c": (1, 2), "d": tmp_path, "e": np.array([1.5, 2.5])}
    assert as_json(values) == {"a": 0.5, "b": 3, "c": [1, 2], "d": str(tmp_path), "e": [1.5, 2.5]}
    with pytest.raises(NASGymError, match="cannot hold"):
        as_json({"a": object()})


def test_flat_names_the_path_of_each_value():
    assert flat({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
