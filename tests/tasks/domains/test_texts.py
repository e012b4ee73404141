"""Texts as tasks: the built-in ones, and one's own in tables, folders and files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tasks import TextForm, make_task
from nas_gym.tasks.forms.registry import form_of

SMS = Path(__file__).parents[4] / "shared" / "data" / "SMSSpamCollection.tsv"
GREETINGS = [("hello there", "en"), ("good morning", "en"), ("guten tag", "de"), ("hallo", "de")]


def quietly(spec):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_task(spec)


def table(path, rows, header="text\tlanguage"):
    path.write_text("\n".join([header, *("\t".join(row) for row in rows)]), "utf-8")
    return {"name": "text", "path": str(path), "target": "language"}


def test_language_id_has_500_names_of_each_of_16_languages() -> None:
    pytest.importorskip("babel")
    task = make_task("language_id")
    y = np.concatenate([task.y_train, task.y_validation, task.y_test])
    assert np.bincount(y).tolist() == [500] * 16
    assert (task.inputs, task.input_shape, task.outputs) == ("tokens", (16,), 16)
    x = np.concatenate([task.x_train, task.x_validation, task.x_test])
    assert len(np.unique(x, axis=0)) > 0.97 * len(x)  # names that are alike in 16 letters alone are not
    assert (x[:, :4] > 0).all()
    assert x.max() == task.facts["vocabulary"] - 1
    assert (np.bincount(task.x_train.astype(int).ravel())[2:] > 1).all()


def test_spelling_asks_for_each_letter_and_the_end_of_words_that_are_in_one_part() -> None:
    task = make_task("spelling")
    x = np.concatenate([task.x_train, task.x_validation, task.x_test])
    y = np.concatenate([task.y_train, task.y_validation, task.y_test])
    assert x.shape == y.shape == (12_000, 16)
    words = task.files.texts(x)
    assert len(set(words)) == len(words)
    asked = ["".join(task.target.names[letter] for letter in row if letter >= 0) for row in y]
    assert words == [f"^{word}" for word in asked]
    assert ((y >= 0).sum(axis=1) == [len(word) for word in words]).all()
    assert task.facts["causal"]


def test_a_column_of_texts_is_coded_by_the_training_part_alone(tmp_path) -> None:
    rows = [(f"{text} {number % 7}", label) for number in range(20) for text, label in GREETINGS]
    rows[0] = ("\N{SNOWMAN} hello", "en")  # once, so that nobody can learn what it means
    task = quietly(table(tmp_path / "greetings.tsv", rows))
    assert task.target.names == ("de", "en")
    vocabulary = task.coded.vocabulary
    assert vocabulary[:2] == ("", "\N{REPLACEMENT CHARACTER}")
    assert "\N{SNOWMAN}" not in vocabulary
    assert task.files.encode(["\N{SNOWMAN} hello"])[0, :2].tolist() == [1, vocabulary.index(" ")]
    assert make_task(task.spec).fingerprint == task.fingerprint


def test_texts_are_cut_where_few_are_longer_and_empty_ones_left_out_with_their_number(tmp_path) -> None:
    rows = [*(GREETINGS * 10), ("", "en"), ("a" * 300, "de")]
    task = quietly(table(tmp_path / "greetings.tsv", rows))
    assert task.input_shape == (12,)
    said = " ".join(task.notes)
    assert "their text is empty: 1 of 42 examples" in said
    assert "1 of 41 texts are longer than 12 characters" in said


def test_bytes_and_small_letters(tmp_path) -> None:
    spec = table(tmp_path / "greetings.tsv", [("Ä", "de"), ("A", "en")] * 20)
    task = quietly({**spec, "unit": "bytes", "lower": True, "length": 3})
    assert set(task.coded.vocabulary[2:]) == {"61", "a4", "c3"}
    assert task.files.encode(["Ä", "a"]).astype(bool).sum(axis=1).tolist() == [2, 1]


def test_subwords_are_learned_from_the_training_part_and_read_new_texts(tmp_path) -> None:
    rows = [(f"{text} {number % 7}", label) for number in range(20) for text, label in GREETINGS]
    task = quietly({**table(tmp_path / "greetings.tsv", rows), "unit": "subwords", "subwords": 40})
    form, x = task.files, task.x_train
    assert form.unit == "subwords"
    assert task.input_shape == (form.length,)
    assert max(map(len, form.vocabulary[2:])) > 3  # pieces of several characters
    assert set(form.texts(x)) <= {text for text, _ in rows}
    again = form_of(json.loads(json.dumps(form.config())))
    assert again == form
    assert again.encode([rows[0][0]]).tolist() == form.encode([rows[0][0]]).tolist()
    assert make_task(task.spec).fingerprint == task.fingerprint


def test_a_folder_of_texts_for_each_class_counts_what_it_cannot_read(tmp_path) -> None:
    for label, text in (("cats", "meow"), ("dogs", "woof")):
        (tmp_path / label).mkdir()
        for number in range(12):
            (tmp_path / label / f"{number}.txt").write_text(f"{text} {number}", "utf-8")
    (tmp_path / "cats" / "odd.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cats" / "empty.txt").write_text(" ")
    task = quietly({"name": "text", "path": str(tmp_path)})
    assert task.target.names == ("cats", "dogs")
    assert len(task.known[1]) + len(task.y_test) == 24
    said = " ".join(task.notes)
    assert "no known encoding: 1 files, cats/odd.txt" in said
    assert "their text is empty: 2 of 26" in said


def test_running_text_asks_for_the_next_character_and_is_tested_on_its_end(tmp_path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("abcdefgh" * 100 + "z" * 100, "utf-8")
    task = quietly({"name": "text", "path": str(path), "length": 8})
    names = task.target.names
    following = [names[number] for number in task.y_train[0]]
    assert task.files.texts(task.x_train[:1]) == ["abcdefgh"]
    assert following == list("bcdefgha")
    assert "z" not in names  # the training part has none
    assert (task.y_test[-1] == 0).all()
    assert task.facts == {"vocabulary": 10, "lengths": [8], "positions": 8, "causal": True}


def test_quotes_in_a_table_with_tabs_are_part_of_its_texts(tmp_path) -> None:
    rows = [('"well', "en"), ('he said "no" twice', "en"), ("nein", "de"), ('"ja" sagte er', "de")] * 10
    task = quietly(table(tmp_path / "quotes.tsv", rows))
    assert '"well' in task.files.texts(np.concatenate([task.x_train, task.x_validation, task.x_test]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "langage"}, "did you mean 'language'"),
        ({"text": "txt"}, "did you mean 'text'"),
        ({"unit": "words"}, "unknown unit of texts 'words'"),
        ({"unit": "subwords", "subwords": 0}, "subwords must be a whole number of at least 2, not 0"),
        ({"unit": "subwords", "subwords": 4}, "4 subwords cannot be learned from"),
        ({"unit": "subwords", "target": None}, "unknown unit of running text 'subwords'"),
        ({"length": 0}, "length must be a whole number of at least 1, not 0"),
        ({"target": None, "text": "text"}, "text is a column of a table"),
        ({"target": None}, "windows of 32, and at least 20 are needed"),
    ],
)
def test_what_does_not_fit_is_one_sentence(options, words, tmp_path) -> None:
    spec = table(tmp_path / "greetings.tsv", GREETINGS * 10)
    with pytest.raises(NASGymError, match=words) as caught:
        quietly({**spec, **options})
    assert "\n" not in str(caught.value)


def test_one_class_is_refused(tmp_path) -> None:
    with pytest.raises(NASGymError, match="class"):
        quietly(table(tmp_path / "one.tsv", [(f"text {number}", "en") for number in range(30)]))


def test_a_form_is_built_again_from_its_config() -> None:
    form = TextForm(("", "\N{REPLACEMENT CHARACTER}", "^", "a", "b"), 4, lower=True, column="name", start="^")
    again = TextForm(**{key: value for key, value in form.config().items() if key != "kind"})
    assert again == form
    assert form.encode(["AB", "cab", ""]).tolist() == [[2, 3, 4, 0], [2, 1, 3, 4], [2, 0, 0, 0]]


@pytest.mark.skipif(not SMS.exists(), reason="the SMS Spam Collection is not there")
def test_the_sms_spam_collection_is_scored_by_its_balanced_accuracy() -> None:
    spec = {"name": "text", "path": str(SMS), "target": "Label", "metric": "balanced_accuracy"}
    task = quietly(spec)
    assert sum(map(len, (task.y_train, task.y_validation, task.y_test))) == 5_574
    assert task.target.names == ("ham", "spam")
    assert task.target.metric.name == "balanced_accuracy"
    assert task.input_shape == (128,)


def test_a_folder_of_texts_alone_is_told_how_it_is_read(tmp_path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.txt").write_text("meow", "utf-8")
    with pytest.raises(NASGymError, match=r'texts need \{"name": "text"'):
        quietly(str(tmp_path))
