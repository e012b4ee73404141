"""The commands of ``nas-gym benchmark``: what they print, refuse and leave."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.tables import load_table
from tests.helpers.data.published_tables import macro_rows, nasbench201_rows, write_rows
from tests.helpers.data.tables import fake_table, shelve


@pytest.fixture
def cli(shelf, tmp_path, monkeypatch):
    """Runs ``nas-gym benchmark`` in an empty folder, with an empty folder of tables."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def invoke(*arguments):
        command = ["benchmark", *map(str, arguments)]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    return invoke


def complaint(result) -> str:
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("nas-gym: ")
    return line


def test_tables_are_listed_with_how_to_get_the_others(cli, shelf) -> None:
    shelve(fake_table())
    result = cli("list")
    assert result.exit_code == 0
    assert re.search(rf"fake-mnist1d +mnist1d +mlp +84 +1, 3, 9 +0, 1, 2 +\d+ +{shelf}", result.stdout)
    assert "nasbench201 is not here: " in result.stdout
    assert "nas-gym benchmark import nasbench_macro FILE" in result.stdout


def test_a_damaged_table_does_not_hide_the_others(cli, shelf) -> None:
    shelve(fake_table())
    (shelf / "broken-mnist1d.npz").write_bytes(b"nothing")
    result = cli("list")
    assert result.exit_code == 0
    assert "damaged" in result.stdout
    assert "fake-mnist1d" in result.stdout


@pytest.mark.parametrize("name", ["fake-mnist1d", "fake"])
def test_a_table_is_described_with_its_picture(cli, tmp_path, name) -> None:
    table = shelve(fake_table())
    result = cli("info", name)
    assert result.exit_code == 0
    assert f"{table.mean_score().max():.6f}" in result.stdout
    assert "local optima" in result.stdout
    assert "picture: fake-mnist1d.png" in result.stdout
    assert (tmp_path / "here" / "fake-mnist1d.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_goes_where_it_is_asked_for(cli, tmp_path) -> None:
    shelve(fake_table())
    assert cli("info", "fake", "--picture", tmp_path / "a" / "b.png").exit_code == 0
    assert (tmp_path / "a" / "b.png").exists()
    assert "cannot be written to /dev/null" in complaint(cli("info", "fake", "--picture", "/dev/null/b.png"))


def test_published_results_are_imported_and_told_of(cli, shelf, tmp_path) -> None:
    file = write_rows(tmp_path / "macro.csv", macro_rows())
    result = cli("import", "nasbench_macro", file, "--task", "cifar10")
    assert result.exit_code == 0
    assert str(shelf / "nasbench_macro-cifar10.npz") in result.stdout
    assert "nasbench_macro-cifar10" in cli("list").stdout


def test_test_accuracies_are_called_what_they_are(cli, tmp_path) -> None:
    file = write_rows(tmp_path / "macro.csv", macro_rows())
    imported = cli("import", "nasbench_macro", file)
    caution = "caution: a search on this table sees test accuracy, the only one that was published"
    assert caution in imported.stdout
    shown = cli("info", "nasbench_macro").stdout
    assert caution in shown
    assert " mean test accuracy, of " in shown
    assert "validation" not in shown.split("provenance:")[0]
    assert "with test accuracy" not in shown


def test_validation_accuracies_are_shown_beside_test_accuracies(cli) -> None:
    shelve(fake_table())
    shown = cli("info", "fake").stdout
    assert "caution" not in shown
    assert " mean validation accuracy, of " in shown
    assert "with test accuracy" in shown


def test_cells_are_shown_with_their_official_index(cli, tmp_path) -> None:
    cli("import", "nasbench201", write_rows(tmp_path / "cells.csv", nasbench201_rows()))
    shown = cli("info", "nasbench201").stdout
    best = re.search(r"optimum: \S+ mean validation accuracy, of (\S+) \(official index (\d+)\)", shown)
    assert best is not None
    space = load_table("nasbench201", "cifar10").search_space
    assert str(space.numbered(int(best[2]))) == best[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "fke"], "unknown table benchmark 'fke'"),
        (["info", "fake-digits"], "unknown task of the table benchmark 'fake' 'digits': "),
        (["info", "nasbench201"], "nas-gym benchmark import nasbench201 FILE"),
        (["import", "nasbench", "a.csv"], "unknown published benchmark 'nasbench': did you mean"),
        (["import", "nasbench201", "a.csv"], "there is no file a.csv"),
        (["import", "nasbench201", "a.pickle.pbz2"], "there is no file a.pickle.pbz2: download NATS-tss"),
        (["import", "nasbench201", "a.csv", "--task", "a/b"], "--task must be a label"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(cli, shelf, tmp_path, arguments, message) -> None:
    shelve(fake_table())
    before = sorted(shelf.iterdir())
    assert message in complaint(cli(*arguments))
    assert sorted(shelf.iterdir()) == before
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("command", ["list", "info", "import"])
def test_every_command_has_help_with_an_example(cli, command) -> None:
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert f"nas-gym benchmark {command}" in " ".join(result.stdout.split("Example:")[1].split())
