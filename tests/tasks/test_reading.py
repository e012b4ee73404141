"""One rule for the cells of a column: each is understood, and said where it is not plain, or refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.tasks import TableEncoder
from nas_gym.tasks.reading.number_forms import NumberForm, is_number
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable, clean_cell
from nas_gym.tasks.reading.rules import read_columns


def read(cells, delimiter=",", others=None, **options):
    """The features of a column named v, and what is said of it."""
    columns = {"v": [clean_cell(cell) for cell in cells], **(others or {})}
    table = RawTable("a.csv", columns, delimiter=delimiter)
    asked = {
        "categorical": (),
        "numeric": (),
        "max_categories": 50,
        "decimal": None,
        "missing": None,
        "impute": False,
    } | options
    encoder, x, notes = read_columns(table, ReadingOptions.of(table, **asked))
    assert TableEncoder.from_config(encoder.config()).encode(table).tolist() == x.tolist()
    return encoder.feature_names, x, notes


PLAIN = [
    (["1", "-2", "+3.5", ".5", "4.", "1e-3", "2.5E+4"], [1, -2, 3.5, 0.5, 4, 0.001, 25000]),
    ([1, 2.5, np.float32(0.5), np.int8(3), True], [1, 2.5, 0.5, 3, 1]),
]


@pytest.mark.parametrize(("cells", "values"), PLAIN)
def test_plain_numbers_are_read_and_nothing_is_said(cells, values):
    names, x, notes = read(cells)
    assert (names, x[:, 0].tolist(), notes) == (("v",), values, [])


FORMS = [
    (["7,5", "-1,25", "3"], [7.5, -1.25, 3], "a decimal comma, '7,5' as 7.5"),
    (["1,234.50", "999"], [1234.5, 999], "a comma between thousands"),
    (["1,234,567", "12"], [1234567, 12], "a comma between thousands"),
    (["1.234.567", "12"], [1234567, 12], "a point between thousands"),
    (["1.234,5", "2,5"], [1234.5, 2.5], "a decimal comma and a point between thousands"),
    (["1 234,5", "2\u202f000"], [1234.5, 2000], "a decimal comma and a space between thousands"),
    (["1'234.5", "2\u2019000"], [1234.5, 2000], "an apostrophe between thousands"),
    (["5%", "12.5 %"], [0.05, 0.125], "per cent"),
    (["$9.50", "-$1", "$-2"], [9.5, -1, -2], "the currency \\$"),
    (["9,50 €", "1.000,00 €"], [9.5, 1000], "the currency €"),
    (["(12)", "5"], [-12, 5], "negative numbers in brackets"),
    (["\u22125", "3"], [-5, 3], "'\u22125' as -5"),
    (["1e5", "2"], [100000, 2], "'1e5' as 100000: categorical"),
    (["07.5", "2"], [7.5, 2], "'07.5' as 7.5"),
    (["950", "1,234"], [950, 1234], "'1,234' as 1234; decimal="),
    (["$950", "$1,234"], [950, 1234], "'\\$1,234' as 1234; decimal="),
]


@pytest.mark.parametrize(("cells", "values", "words"), FORMS)
def test_numbers_of_one_other_form_are_understood_and_said_in_one_line(cells, values, words):
    names, x, notes = read(cells)
    assert names == ("v",)
    assert x[:, 0] == pytest.approx(values)
    assert len(notes) == 1
    with pytest.raises(NASGymError, match=words):
        raise NASGymError(notes[0])


@pytest.mark.parametrize(
    ("context", "value"),
    [
        ({}, 1234),
        ({"delimiter": ";"}, 1.234),
        ({"others": {"w": ["7,5", "2"]}}, 1.234),
        ({"decimal": ","}, 1.234),
        ({"decimal": {"v": "."}, "delimiter": ";"}, 1234),
    ],
)
def test_a_number_of_two_meanings_is_decided_by_the_rest_of_the_file_or_an_option(context, value):
    _, x, notes = read(["1,234", "950"], **context)
    assert x[:, 0].tolist() == [value, 950]
    assert "'1,234' as" in notes[0]


REFUSED = [
    (["1", "2", "1O"], {}, "column 'v' has '1O' in row 3 and 2 numbers in its 3 rows"),
    (["1", "inf"], {}, "'inf' in row 2"),
    (["1", "٣"], {}, "'٣' in row 2"),
    (["1", "#N/A"], {}, "misses 1 of 2 values, the first in row 2"),
    (["1", "None"], {}, "misses 1 of 2"),
    ([1.0, None], {}, "misses 1 of 2"),
    (["a", ""], {}, "misses 1 of 2"),
    (["a", "NA"], {"missing": ["NA"]}, "misses 1 of 2"),
    (["-999", "3"], {"missing": [-999]}, "misses 1 of 2"),
    (["7.5", "7,5"], {}, "in several ways, such as '7.5' and '7,5'"),
    (["€5", "$5"], {}, "in several ways"),
    (["5%", "5"], {}, "in several ways"),
    (["1,234", "1500"], {}, "may have decimals or thousands"),
    (["1.234", "2.500"], {"others": {"w": ["7,5", "1"]}}, "other columns have decimal commas"),
    (["1.234", "950"], {}, "may have decimals or thousands, since some have no point"),
    (["€1.234", "€950"], {}, "since some have no point"),
    (["x0", "x1"], {"numeric": ["v"]}, "'x0' in row 1"),
    (["1.5", "2"], {"decimal": ","}, "'1.5', which is not a number where decimals follow ','"),
    ([str(10**20), str(10**20 + 1)], {}, "different numbers that are equal in 64 bits"),
    ([2**60, 2**60 + 1], {}, "different numbers that are equal in 64 bits"),
    ([1, 1j], {}, "a complex in row 2"),
    (["1"], {"decimal": ";"}, "decimal must be"),
    (["1"], {"missing": 1j}, "missing must be a list"),
    (["1"], {"numeric": ["v"], "categorical": ["v"]}, "in categorical and in numeric"),
    (["x"], {"others": {"v=x": ["1"]}}, "'v' and 'v=x' would both make the feature 'v=x'"),
]


@pytest.mark.parametrize(("cells", "options", "words"), REFUSED)
def test_what_may_be_meant_otherwise_is_refused_in_one_sentence(cells, options, words):
    with pytest.raises(NASGymError) as caught:
        read(cells, **options)
    assert words in str(caught.value)


CODES = [
    (["1_10", "11_0"], {}, "although '1_10' is like a number"),
    (["007", "12"], {}, "codes, since '007' begins with 0"),
    (["٣", "٤"], {}, "although '٣' is like a number"),
    (["12 kg", "13 kg"], {}, "although '12 kg'"),
    (["Rs 1,200", "Rs 500"], {}, "although 'Rs 1,200'"),
    (["NA", "US", "DE"], {}, "'NA' in 1 of 3 rows, read as a category"),
    (["NA", "1", "US"], {"missing": []}, ""),
    (["7,5", "8"], {"categorical": ["v"]}, ""),
    (["a", "b", ""], {"missing": ["b"], "categorical": "v"}, "misses"),
]


@pytest.mark.parametrize(("cells", "options", "words"), CODES)
def test_codes_and_words_are_categories_with_the_texts_of_the_file(cells, options, words):
    if words == "misses":
        with pytest.raises(NASGymError, match=words):
            read(cells, **options)
        return
    names, x, notes = read(cells, **options)
    assert names == tuple(f"v={text}" for text in sorted(cells))
    assert x.sum(axis=1).tolist() == [1] * len(cells)
    assert words in " ".join(notes)


def test_points_beside_semicolons_are_said_where_they_may_be_between_thousands():
    _, x, notes = read(["1.234", "2.500"], ";")
    assert x[:, 0].tolist() == [1.234, 2.5]
    assert "'1.234' as 1.234; decimal={'v': ','} reads it otherwise" in notes[0]
    assert read(["1.234", "2.500"])[2] == read(["1.234", "0.5"], ";")[2] == []
    assert read(["1.234", "950"], decimal=",")[1][:, 0].tolist() == [1234, 950]
    assert read(["1.234", "950"], decimal=".")[1][:, 0].tolist() == [1.234, 950]


def test_codes_are_numbers_where_the_user_says_so():
    assert read(["007", "12"], numeric="v")[1][:, 0].tolist() == [7, 12]


@given(
    st.lists(st.integers(-(10**9), 10**9).map(lambda n: n / 100), min_size=2, max_size=20),
    st.sampled_from(
        [("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), ("'", ".")],
    ),
)
def test_whatever_form_numbers_are_written_in_they_are_read_or_refused(values, marks):
    thousands, decimal = marks
    texts = [f"{value:,.2f}".translate({44: thousands, 46: decimal}) for value in values]
    assert all(map(is_number, texts))
    assert [NumberForm(decimal, thousands).value(text) for text in texts] == pytest.approx(values)
    names, x, _ = read(texts)
    assert names == ("v",)
    assert x[:, 0] == pytest.approx(values)


@given(st.lists(st.text(max_size=6).map(clean_cell), min_size=1, max_size=12))
def test_every_column_of_texts_is_read_or_refused_by_its_name(cells):
    try:
        names, x, _ = read(cells)
    except NASGymError:
        with pytest.raises(NASGymError, match="column 'v'"):
            read(cells)
        return
    assert len(names) == x.shape[1]
    assert np.isfinite(x).all()


def test_what_is_said_is_a_warning_at_the_line_that_asked(tmp_path):
    from nas_gym.tasks import make_task

    rows = [f"{row % 9}%,{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["share,y", *rows]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task = make_task({"name": "csv", "path": tmp_path / "a.csv", "target": "y"})
    (said,) = caught
    assert issubclass(said.category, DataWarning)
    assert said.filename == __file__
    assert (str(said.message),) == task.notes


def test_texts_that_differ_in_every_row_are_left_out_unless_someone_asks_for_them():
    names, others = [f"{chr(97 + place)} b" for place in range(24)], {"n": [0.5 * n for n in range(24)]}
    features, _, notes = read(names, others=others, max_categories=None)
    assert features == ("n",)
    assert (
        "column 'v' has another text in every row, such as 'a b', and is left out: categorical=['v']"
        in notes[0]
    )
    assert len(read(names, others=others, max_categories=None, categorical=("v",))[0]) == 25
    assert len(read(names, others=others, max_categories=30)[0]) == 25
    assert len(read([*names[:-1], "a b"], others=others, max_categories=None)[0]) == 24
