"""Messages at the command line name its options, not those of Python."""

from __future__ import annotations

import pytest

from nas_gym.cli.data_options import reading_of
from nas_gym.cli.flags import in_flags


@pytest.mark.parametrize(
    ("python", "line"),
    [
        (
            "leave it out with drop=['a b'], or raise max_categories",
            "--drop 'a b', or raise --max-categories",
        ),
        ("more than max_categories=50: x", "more than --max-categories 50: x"),
        ('name it in missing=, or categorical=["it\'s"]', "--missing, or --categorical 'it'\"'\"'s'"),
        ("pass decimal={'p': ','} or decimal={'p': '.'}", "--decimal p=, or --decimal p=."),
        ("pass day_first=True or day_first=False", "pass --day-first or --month-first"),
        ("pass encoding=, such as 'latin-1'", "pass --encoding, such as 'latin-1'"),
        ("3 sheets: sheet= reads another", "3 sheets: --sheet reads another"),
        ("pass label_separator=';' where", "pass --label-separator ';' where"),
        ('config (budget is 4 there and "30 recorded seconds" here)', "(--budget is 4 there and 30 recorded"),
        (
            'budget is "1 minute by the clock" there and "2 minutes by the clock" here',
            "--minutes is 1 minute",
        ),
        ("impute=False refuses them", "--no-impute refuses them"),
        ("the class 'drop=it' of metric=accuracy", "the class 'drop=it' of metric=accuracy"),
    ],
)
def test_options_in_messages_are_those_of_the_command_line(python, line):
    assert line in in_flags(python)


def rows(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_a_file_in_another_encoding_is_read_as_the_refusal_says(tmp_path, cli):
    lines = "".join(f"{n},{'ä' if n % 2 else 'o'}\n" for n in range(40))
    name = rows(tmp_path / "town.csv", "x,town\n" + lines, "latin-1")
    line = ["search", "--task", name, "--target", "town", "--agent", "random", "--budget", 2]
    line += ["--recipe", '{"epochs": 1}', "--logdir", tmp_path / "runs", "--store", "memory"]
    refused = cli(*line)
    assert refused.exit_code == 2
    assert "pass --encoding, such as 'latin-1'" in refused.output
    assert cli(*line, "--encoding", "latin-1").exit_code == 0


def test_marks_before_decimals_are_of_all_columns_or_of_some():
    assert reading_of(decimal=[","]) == {"decimal": ","}
    assert reading_of(decimal=["x=,", "a=b=."]) == {"decimal": {"x": ",", "a=b": "."}}


def test_a_mark_of_all_columns_beside_one_of_a_column_is_refused(tmp_path, cli):
    name = rows(tmp_path / "t.csv", "x,y\n1,2\n")
    found = cli("fit", name, "--target", "y", "--decimal", ",", "--decimal", "x=.")
    assert found.exit_code == 2
    assert "--decimal , is of all columns" in found.output
