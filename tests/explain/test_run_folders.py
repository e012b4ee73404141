"""Which of the folders below a place are runs of their own."""

from __future__ import annotations

from nas_gym.explain.evidence.together import run_folders


def made(folder, *files):
    folder.mkdir(parents=True)
    for name in ("config.json", *files):
        (folder / name).write_text("{}")
    return folder


def test_a_run_inside_a_run_is_a_part_of_it(tmp_path):
    outer = made(tmp_path / "fit", "result.json")
    made(outer / "perceptrons", "result.json")
    assert [one.path for one in run_folders(tmp_path)] == [outer]


def test_a_config_of_something_else_hides_no_runs(tmp_path):
    made(tmp_path / "experiments")
    runs = [
        made(tmp_path / "experiments" / "seed0", "result.json"),
        made(tmp_path / "experiments" / "seed1", "trace.jsonl"),
    ]
    assert [one.path for one in run_folders(tmp_path)] == runs
