"""Tables of many numbers are read in one go, and give what one cell after another gives."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_gym.deploy import load_network, save_network
from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.reading.number_forms import PLAIN, all_plain
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.reading.row_numbers import without_row_numbers
from nas_gym.tasks.reading.rules import read_columns
from nas_gym.tasks.reading.text_file import decoded, text_table

RNG = np.random.default_rng(0)
ROWS = 60
LABELS = np.arange(ROWS) % 3


class Frame:
    """Columns by name, as a data frame has them."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self._columns = columns

    def __getitem__(self, name):
        return self._columns[name]


class Numbered(Frame):
    """A data frame whose columns have only numbers, in some order."""

    def __init__(self, columns):
        self.columns = list(columns)
        self._columns = columns

    def __array__(self, dtype=None, copy=None):
        return np.column_stack(list(self._columns.values()))


def read(columns, **options):
    """The features of columns, and the notes on them."""
    table = without_row_numbers(RawTable("x", columns))
    asked = {"categorical": (), "numeric": (), "max_categories": 99, "decimal": None, "missing": None}
    asked |= {"impute": False}
    encoder, x, notes = read_columns(table, ReadingOptions.of(table, **asked | options))
    return encoder.config(), x.tolist(), [*table.notes, *notes]


COLUMNS = {
    "floats": RNG.normal(size=ROWS),
    "singles": RNG.normal(size=ROWS).astype(np.float32),
    "bytes": RNG.integers(0, 255, ROWS).astype(np.uint8),
    "large": 2**53 + 2 * RNG.integers(0, 9, ROWS),
    "bools": RNG.integers(0, 2, ROWS).astype(bool),
    "counting": np.arange(ROWS),
    "whole": np.arange(ROWS).astype(float)[::-1].copy(),
}


@pytest.mark.parametrize("options", [{}, {"categorical": ("bytes",)}, {"missing": ["-1"]}])
def test_arrays_of_numbers_are_read_as_their_cells_are(options):
    lists = {name: column.tolist() for name, column in COLUMNS.items()}
    assert read(dict(COLUMNS), **options) == read(lists, **options)


def test_the_option_for_missing_values_reaches_arrays():
    with pytest.raises(NASGymError, match="misses 1 of 60 values, the first in row 1"):
        read({"whole": COLUMNS["counting"] - 1, "floats": COLUMNS["floats"]}, missing=[-1])


@pytest.mark.parametrize("cells", [[2**53, 2**53 + 1] * 30, [str(2**53), str(2**53 + 1)] * 30])
def test_the_first_whole_number_that_float64_merges_is_refused(cells):
    for column in (cells, np.array(cells) if isinstance(cells[0], int) else cells):
        with pytest.raises(NASGymError, match="different numbers that are equal in 64 bits"):
            read({"id_code": column})


@given(st.lists(st.text(st.sampled_from("0123456789.eE+-\n "), max_size=4), max_size=6))
def test_columns_are_plain_exactly_if_each_cell_is(cells):
    assert all_plain(cells) == all(PLAIN.fullmatch(cell) for cell in cells)


@given(st.lists(st.text(st.sampled_from("ab1 .,;\n\r\t\ufeff"), max_size=5), min_size=2, max_size=12))
def test_a_text_is_read_alike_with_and_without_quotes(cells):
    """A quote anywhere lets each line be read by itself."""
    text = "p,q\n" + ",".join(cells)

    def read_or_refused(text):
        try:
            table = text_table(text, "a.csv", ",")
        except NASGymError as error:
            return str(error)
        return table.columns, table.notes

    assert read_or_refused(text) == read_or_refused('"p"' + text[1:])


@pytest.mark.parametrize("order", [1, -1])
def test_an_index_in_another_order_is_no_feature(order):
    """A frame that was sorted by class and shuffled has an index that tells the classes."""
    shuffled = RNG.permutation(3 * ROWS)[:ROWS]
    for index in (shuffled, np.arange(ROWS)[::order] + 100):
        table = without_row_numbers(RawTable("x", {"index": index, "a": COLUMNS["floats"]}))
        assert list(table.columns) == ["a"]
        assert table.notes == (
            "column 'index' numbers the rows and is left out: give it another name to use it",
        )


def test_consecutive_numbers_in_any_order_are_said():
    table = without_row_numbers(RawTable("x", {"day": RNG.permutation(ROWS), "a": COLUMNS["floats"]}))
    assert list(table.columns) == ["day", "a"]
    assert "column 'day' counts the rows" in table.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_a_byte_order_mark_is_stronger_than_a_wrong_encoding(encoding):
    assert decoded('"a",ü\n'.encode("utf-8-sig"), "a.csv", encoding) == '"a",ü\n'


@pytest.mark.parametrize("path", ["a\0b.csv", "a" * 5000, "~nobody-at-all/a.csv"])
def test_a_text_that_can_be_no_path_is_one_sentence(path):
    with pytest.raises(NASGymError, match=r"no path|no file"):
        make_task({"name": "csv", "path": path, "target": "y"})


class Unfit:
    """What another library's array does that is not in the memory of this process."""

    def __init__(self, error):
        self._error = error

    def __array__(self, dtype=None, copy=None):
        raise self._error


@pytest.mark.parametrize("error", [TypeError("on another device"), RuntimeError("requires grad")])
def test_arrays_that_numpy_cannot_have_are_refused_in_a_sentence(error):
    with pytest.raises(NASGymError, match=f"x is no array of NumPy .{error}"):
        Task.from_arrays(Unfit(error), LABELS)
    with pytest.raises(NASGymError, match=f"y is no array of NumPy .{error}"):
        Task.from_arrays(np.ones((3, 2)), Unfit(error))


def saved(task, tmp_path):
    """An untrained network for a task, saved and loaded."""
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    path = tmp_path / "best.pt"
    save_network(path, space, task, architecture, NetworkModule(space.network(architecture)))
    return load_network(path)


def test_columns_that_have_only_numbers_are_found_by_them(tmp_path):
    x = RNG.normal(size=(ROWS, 4))
    forward = Numbered(dict(enumerate(x.T)))
    backward = Numbered({place: x[:, place] for place in (3, 1, 2, 0)})
    for trained, expected in ((forward, x), (backward, x[:, [3, 1, 2, 0]])):
        network = saved(Task.from_arrays(trained, LABELS), tmp_path)
        answer = network.predict(expected)
        assert (network.predict(forward) == answer).all()
        assert (network.predict(backward) == answer).all()
    network = saved(Task.from_arrays(x, LABELS), tmp_path)
    with pytest.raises(NASGymError, match="the network takes 4 features, 0 to 3"):
        network.predict(Numbered(dict.fromkeys((0, 1, 2, 7), x[:, 0])))


def test_one_row_of_cells_and_a_lazy_frame_are_refused_in_a_sentence(tmp_path):
    colour = ["red", "green", "blue"] * (ROWS // 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = saved(Task.from_arrays(Frame(size=RNG.normal(size=ROWS), colour=colour), LABELS), tmp_path)

    class LazyFrame(Frame):
        def __getitem__(self, name):
            raise TypeError("not subscriptable")

    for examples, said in (([0.5, "red"], "x must hold"), (LazyFrame(size=[1], colour=["red"]), "collect")):
        with pytest.raises(NASGymError, match=said):
            network.predict(examples)


def towns(count, rows):
    names = [str(row % count).translate(str.maketrans("0123456789", "abcdefghij")) for row in range(rows)]
    return pd.DataFrame({"size": np.arange(rows) * 0.5, "town": names})


def test_many_categories_are_kept_where_each_stands_in_several_rows():
    answers = np.arange(330) % 2
    kept = Task.from_arrays(towns(110, 330), answers)
    assert kept.input_shape == (1 + 110,)
    (said,) = [note for note in kept.notes if "'town'" in note]
    assert said.startswith("column 'town' has 110 categories, each in 3.0 rows on average: leave it out")
    left = Task.from_arrays(towns(111, 330), answers)
    assert left.input_shape == (1,)
    assert any("more than max_categories=110, and is left out" in note for note in left.notes)
    asked = Task.from_arrays(towns(110, 330), answers, max_categories=50)
    assert asked.input_shape == (1,)
    few = Task.from_arrays(towns(50, 330), answers)
    assert not any("'town'" in note for note in few.notes)


def test_categories_are_never_more_than_a_thousand_unless_that_is_asked_for():
    answers = np.arange(3_100) % 2
    assert Task.from_arrays(towns(1_000, 3_100), answers).input_shape == (1_001,)
    assert Task.from_arrays(towns(1_001, 3_100), answers).input_shape == (1,)
    assert Task.from_arrays(towns(1_001, 3_100), answers, max_categories=1_001).input_shape == (1_002,)
