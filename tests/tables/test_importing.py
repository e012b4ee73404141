"""Published results become tables row by row, and every flaw of a file is named before anything is kept."""

from __future__ import annotations

import gzip

import gymnasium as gym
import numpy as np
import pytest

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.tables import import_table, load_table
from tests.helpers.data.published_tables import (
    COLUMNS,
    changed,
    macro_rows,
    nasbench201_cell,
    nasbench201_rows,
    write_rows,
)
from tests.helpers.data.shared_data import NASBENCH201, NASBENCH_MACRO, shared_file


def test_cells_are_found_by_their_text_whatever_the_order_of_rows(shelf, tmp_path) -> None:
    table, path = import_table("nasbench201", write_rows(tmp_path / "a.csv.gz", nasbench201_rows()))
    assert path == shelf / "nasbench201-cifar10.npz"
    assert [file.name for file in shelf.iterdir()] == ["nasbench201-cifar10.npz"]
    loaded = load_table("nasbench201", "cifar10")
    space = loaded.search_space
    for row in nasbench201_rows()[::500]:
        index = space.index(space.parse(row["architecture"]))
        seeds = [float(part) / 100 for part in row["val_acc_200_by_seed"].split(";")]
        recorded = loaded.scores(200)[index]
        assert recorded[: len(seeds)] == pytest.approx(seeds, abs=1e-12)
        assert np.isnan(recorded[len(seeds) :]).all()
        assert loaded.mean_score(200)[index] == pytest.approx(np.mean(seeds), abs=1e-12)
        assert loaded.mean_score(12)[index] == pytest.approx(float(row["val_acc_12"]) / 100, abs=1e-12)
        assert loaded.mean_test_score()[index] == pytest.approx(float(row["test_acc_200"]) / 100, abs=1e-12)
        assert loaded.cost(12)[index] == pytest.approx(float(row["train_seconds_200"]) * 12 / 200)
        assert loaded.parameters[index] == int(row["params"])
    assert loaded.seeds == {12: (), 200: (0, 1, 2)}
    assert not loaded.resumable
    assert not loaded.selects_on_test
    assert space.config()["channels"] == [16, 32, 64]
    assert table.name == loaded.name


def test_the_classes_are_those_of_the_networks_parameters(shelf, tmp_path) -> None:
    file = write_rows(tmp_path / "a.csv", nasbench201_rows(100))
    table, _ = import_table("nasbench201", file, "cifar100")
    assert table.search_space.outputs == 100
    assert gym.make("NASBench201-v0", task="cifar100").unwrapped.task.outputs == 100
    table, _ = import_table("nasbench201", file, "birds")
    assert (table.task, table.search_space.outputs) == ("birds", 100)
    with pytest.raises(NASGymError, match="networks for 100 classes, cifar10 has 10"):
        import_table("nasbench201", file, "cifar10")


def test_chains_are_imported_with_their_three_runs(shelf, tmp_path) -> None:
    table, _ = import_table("nasbench_macro", write_rows(tmp_path / "a.csv", macro_rows()))
    row = macro_rows()[4321]
    index = table.search_space.index(table.search_space.parse(row["architecture"]))
    expected = [float(row[f"test_acc_{run}"]) / 100 for run in range(3)]
    assert table.scores()[index] == pytest.approx(expected)
    assert table.test[index] == pytest.approx(expected)
    assert "TEST accuracy" in table.about["validation_is"]
    assert table.selects_on_test
    assert load_table("nasbench_macro", "cifar10").selects_on_test
    env = gym.make("NASBenchMacro-v0").unwrapped
    assert env.evaluator.selects_on_test
    assert env.search_space.name == "macro"
    assert env.evaluate(row["architecture"]).score == pytest.approx(np.mean(expected))


ROWS = {"nasbench201": nasbench201_rows, "nasbench_macro": macro_rows}
CELL = nasbench201_cell(7)
FLAWS = {
    "a missing cell": ("nasbench201", lambda rows: rows[:7] + rows[8:], r"lacks 1 of the 15,625 .*first '\|"),
    "a missing chain": ("nasbench_macro", lambda rows: rows[:-1], r"lacks 1 of the 6,561 .* '22222222'"),
    "a cell twice": (
        "nasbench201",
        lambda rows: changed(rows, 9, architecture=CELL),
        r"has the architecture '\|.*' in lines 9 and 11: each must be there once",
    ),
    "a chain twice": (
        "nasbench_macro",
        lambda rows: (*rows, rows[0]),
        r"has the architecture '00000000' in lines 2 and 6563",
    ),
    "a cell that is none": (
        "nasbench201",
        lambda rows: changed(rows, 2, architecture=CELL.replace("~0", "~9", 1)),
        r"line 4 of .*: cell .* expected an operation and '~0'",
    ),
    "a chain that is none": (
        "nasbench_macro",
        lambda rows: changed(rows, 2, architecture="0000003"),
        r"line 4 of .*: architecture '0000003' is none of the macro space",
    ),
    "a percentage above 100": (
        "nasbench201",
        lambda rows: changed(rows, 5, val_acc_12="100.5"),
        r"line 7 of .* has '100.5' as val_acc_12, expected percent from 0 to 100",
    ),
    "a percentage below 0": (
        "nasbench_macro",
        lambda rows: changed(rows, 5, test_acc_1="-1"),
        r"line 7 of .* has '-1' as test_acc_1, expected percent",
    ),
    "a word": (
        "nasbench201",
        lambda rows: changed(rows, 5, test_acc_200="high"),
        r"line 7 of .* has 'high' as test_acc_200, expected percent",
    ),
    "not a number": (
        "nasbench_macro",
        lambda rows: changed(rows, 0, test_acc_2="nan"),
        r"line 2 of .* has 'nan' as test_acc_2",
    ),
    "no value": (
        "nasbench201",
        lambda rows: changed(rows, 5, train_seconds_200=""),
        r"has '' as train_seconds_200, expected seconds",
    ),
    "no seed": (
        "nasbench201",
        lambda rows: changed(rows, 5, val_acc_200_by_seed=""),
        r"has '' as val_acc_200_by_seed, expected percent from 0 to 100, joined by semicolons",
    ),
    "a mean of other seeds": (
        "nasbench201",
        lambda rows: changed(rows, 5, val_acc_200="50"),
        r"line 7 of .* has 50 as val_acc_200, its seeds have the mean 8",
    ),
    "negative seconds": (
        "nasbench201",
        lambda rows: changed(rows, 5, train_seconds_200="-3"),
        r"has '-3' as train_seconds_200, expected seconds of at least 0",
    ),
    "shares for percents": (
        "nasbench_macro",
        lambda rows: [row | {f"test_acc_{run}": "0.93" for run in range(3)} for row in rows],
        r"the test accuracy is at most 0.93, expected percent",
    ),
    "parameters of another network": (
        "nasbench201",
        lambda rows: [row | {"params": str(int(row["params"]) * 2)} for row in rows],
        r"parameters, .*: the file is of another space, or damaged",
    ),
    "parameters for half a class": (
        "nasbench201",
        lambda rows: [row | {"params": str(int(row["params"]) + 7)} for row in rows],
        r"has 73,313 parameters, which the published network has for no number of classes",
    ),
    "parameters for other classes": (
        "nasbench_macro",
        lambda rows: [row | {"params": str(int(row["params"]) + 1281)} for row in rows],
        r"networks for 11 classes, cifar10 has 10",
    ),
}


@pytest.mark.parametrize(("benchmark", "flaw", "message"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_named_in_one_sentence_and_nothing_is_kept(
    shelf, tmp_path, benchmark, flaw, message
) -> None:
    file = write_rows(tmp_path / "a.csv", flaw(ROWS[benchmark]()))
    with pytest.raises(NASGymError, match=message) as caught:
        import_table(benchmark, file)
    assert "\n" not in str(caught.value)
    assert not shelf.exists()


@pytest.mark.parametrize(("benchmark", "column"), [(name, c) for name in COLUMNS for c in COLUMNS[name]])
def test_a_missing_column_is_named(shelf, tmp_path, benchmark, column) -> None:
    file = write_rows(tmp_path / "a.csv", ROWS[benchmark]()[:3], without=column)
    with pytest.raises(NASGymError, match=f"has no column '{column}': its first line must have architecture"):
        import_table(benchmark, file)
    assert not shelf.exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(shelf, tmp_path, encoding) -> None:
    file = write_rows(tmp_path / "a.csv", macro_rows())
    plain, _ = import_table("nasbench_macro", file)
    file.write_bytes(file.read_bytes().decode().encode(encoding))
    again, _ = import_table("nasbench_macro", file)
    np.testing.assert_array_equal(again.validation, plain.validation)


DAMAGE = {
    "a truncated archive": (lambda content: content[: len(content) // 2], "cannot be read as a .csv"),
    "a damaged archive": (lambda content: content[:2000] + b"?" * 50 + content[2050:], "cannot be read"),
    "a truncated text": (lambda content: gzip.decompress(content)[:-25], "values, expected 6: it is cut off"),
    "half a text": (lambda content: gzip.decompress(content).rpartition(b"\n2")[0], "lacks 1 of the 6,561"),
    "a picture": (lambda content: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is no text"),
    "nothing": (lambda content: b"", "has no column 'architecture'"),
    "a line too long": (
        lambda content: gzip.decompress(content) + b"1,2,3,4,5,6,7\n",
        "has 7 values, expected 6",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_a_wrong_or_truncated_file_is_refused_in_one_sentence(shelf, tmp_path, damage, message) -> None:
    whole = write_rows(tmp_path / "whole.csv.gz", macro_rows()).read_bytes()
    file = tmp_path / "a.csv.gz"
    file.write_bytes(damage(whole))
    with pytest.raises(NASGymError, match=message) as caught:
        import_table("nasbench_macro", file)
    assert "\n" not in str(caught.value)
    assert not shelf.exists()


@pytest.mark.parametrize(
    ("benchmark", "name", "task", "message"),
    [
        ("nasbench202", "a.csv", "cifar10", "unknown published benchmark 'nasbench202': did you mean"),
        ("nasbench201", "gone.csv", "cifar10", "there is no file"),
        ("nasbench_macro", ".", "cifar10", "cannot be read as a .csv"),
        ("nasbench201", "a.csv", "../cifar10", "--task must be a label"),
        ("nasbench201", "a.csv", "", "--task must be a label"),
    ],
)
def test_what_cannot_be_imported_is_refused(shelf, tmp_path, benchmark, name, task, message) -> None:
    write_rows(tmp_path / "a.csv", macro_rows()[:1])
    with pytest.raises(NASGymError, match=message):
        import_table(benchmark, tmp_path / name, task)
    assert not shelf.exists()


def test_an_import_that_fails_leaves_the_table_that_was_there(shelf, tmp_path) -> None:
    _, path = import_table("nasbench_macro", write_rows(tmp_path / "a.csv", macro_rows()))
    before = path.read_bytes()
    with pytest.raises(NASGymError):
        import_table("nasbench_macro", write_rows(tmp_path / "b.csv", macro_rows()[:-1]))
    assert path.read_bytes() == before


def test_the_published_cells_have_their_published_optima(shelf) -> None:
    table, _ = import_table("nasbench201", shared_file(NASBENCH201))
    space = table.search_space
    best = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    assert str(space.architecture(int(table.mean_score().argmax()))) == best
    assert table.mean_score().max() == pytest.approx(0.916067, abs=5e-7)
    assert table.mean_test_score().max() == pytest.approx(0.943733, abs=5e-7)
    assert (table.mean_test_score() == table.mean_test_score().max()).sum() == 2
    resnet = space.index(space.resolve("resnet"))
    assert table.mean_test_score()[resnet] == pytest.approx(0.9391, abs=5e-5)
    skips = space.parse(
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
    )
    assert table.mean_test_score()[space.index(skips)] == pytest.approx(0.542967, abs=5e-7)


def test_the_published_chains_have_their_published_optima(shelf) -> None:
    table, _ = import_table("nasbench_macro", shared_file(NASBENCH_MACRO))
    means = table.mean_score()
    texts = [
        str(table.search_space.architecture(int(index))) for index in np.flatnonzero(means == means.max())
    ]
    assert texts == ["22212202", "22212220"]
    assert means.max() == pytest.approx(0.931267, abs=5e-7)
    assert str(table.search_space.architecture(int(means.argmin()))) == "00000000"
    assert means.min() == pytest.approx(0.453633, abs=5e-7)
