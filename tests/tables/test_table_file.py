"""A table in a file is the table; a file that is none is refused; a table that cannot be, too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tables import Table, load_table, read_table, table_files, table_path, write_table
from tests.helpers.data.tables import fake_table, shelve

TABLES = {
    "counts": fake_table(failed=((3, 1), (5, 0))),
    "counts with a missing seed": fake_table(missing=((4, 2), (9, 0)), failed=((3, 1),)),
    "shares": fake_table(counts=False, failed=((3, 1),), missing=((4, 2),)),
    "separate schedules": fake_table(unseeded=(1,), resumable=False, counts=False),
    "of digits": fake_table(task="digits", input_shape=(1, 8, 8)),
}


def same(one: Table, other: Table) -> None:
    for name in ("validation", "test", "failed", "seconds", "parameters", "flops"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in (
        "benchmark",
        "task",
        "fidelities",
        "seeds",
        "resumable",
        "examples",
        "about",
        "search_space",
    ):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_is_read_is_exactly_what_was_written(table, tmp_path) -> None:
    write_table(table, tmp_path / "folder" / "a.npz")
    same(read_table(tmp_path / "folder" / "a.npz"), table)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["a.npz"]


def test_a_mean_over_seeds_of_test_accuracy_is_kept_beside_failures(tmp_path) -> None:
    table = fake_table(counts=False, failed=((3, 1),))
    table = replace(table, test=table.test.mean(axis=1, keepdims=True))
    write_table(table, tmp_path / "a.npz")
    same(read_table(tmp_path / "a.npz"), table)


def test_a_mean_is_over_recorded_seeds_and_zero_where_one_failed() -> None:
    table = TABLES["counts with a missing seed"]
    assert table.mean_score()[4] == pytest.approx(table.validation[-1, 4, :2].mean())
    assert table.mean_score()[3] == 0.0
    assert table.mean_test_score()[3] == 0.0
    assert table.mean_score(1)[0] == pytest.approx(table.validation[0, 0].mean())


def test_the_users_tables_are_found_beside_those_of_the_package(shelf) -> None:
    before = set(table_files())
    table = shelve(TABLES["counts"])
    assert set(table_files()) == before | {"fake-mnist1d"}
    assert load_table("fake", "mnist1d") is load_table("fake", "mnist1d")
    same(load_table("fake", "mnist1d"), table)
    write_table(replace(table, seconds=table.seconds + 1), table_path(table.name))
    assert load_table("fake", "mnist1d").seconds[0] == table.seconds[0] + 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-20],
        lambda content: b"",
        lambda content: b"PK\x03\x04 and nothing more",
        lambda content: content[:300] + bytes(400) + content[700:],
        lambda content: json.dumps({"a": "table"}).encode(),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(damage, tmp_path) -> None:
    path = tmp_path / "a.npz"
    write_table(TABLES["counts"], path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NASGymError, match=r"is no table of nas-gym, or is cut off.*build or import it again"):
        read_table(path)


def test_a_file_without_a_part_or_with_a_pickle_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", validation=np.zeros(3))
    np.savez(tmp_path / "b.npz", header=np.array({"format": 1}, dtype=object))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(NASGymError, match="is no table of nas-gym"):
            read_table(tmp_path / name)
    with pytest.raises(NASGymError, match="there is no table at"):
        read_table(tmp_path / "gone.npz")


def test_another_format_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nas_gym.tables.file.FORMAT", 99)
    write_table(TABLES["counts"], tmp_path / "a.npz")
    monkeypatch.undo()
    with pytest.raises(NASGymError, match="has format 99"):
        read_table(tmp_path / "a.npz")


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch) -> None:
    def full(*arguments, **arrays):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space left"):
        write_table(TABLES["counts"], tmp_path / "a.npz")
    assert list(Path(tmp_path).iterdir()) == []


def changed(name, place, value):
    array = getattr(TABLES["counts"], name).astype(np.float64).copy()
    array[place] = value
    return {name: array}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            changed("validation", (0, 3, 1), 1.5),
            r"validation accuracy at 1 epochs of 1.5 for '.*': it must be in",
        ),
        (changed("validation", (2, 3, 1), -0.1), r"validation accuracy at 9 epochs of -0.1"),
        (changed("test", (3, 1), 86.0), r"test accuracy of 86"),
        (
            changed("validation", (slice(None), 3), np.nan),
            r"lacks 1 of 84 architectures at 1 epochs, the first",
        ),
        (changed("seconds", 3, np.inf), r"seconds that are finite"),
        (changed("seconds", 3, -1), r"seconds that are finite and at least 0"),
        ({"validation": np.zeros((3, 80, 3))}, r"must have validation of shape \(3, 84, 3\)"),
        ({"parameters": np.zeros(3, dtype=np.int64)}, r"must have parameters of shape \(84,\)"),
        ({"fidelities": (3, 1, 9)}, r"fidelities in ascending order"),
        ({"seeds": {9: (0, 1, 2)}}, r"and the seeds of each"),
    ],
)
def test_a_table_that_cannot_be_is_refused(changes, message) -> None:
    with pytest.raises(NASGymError, match=message):
        replace(TABLES["counts"], **changes)
