"""Tasks of pairs: dates and pronunciations, translations of one's own, and how answers are decoded."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.tasks import PairForm, Tokens, decoded_metrics, form_of, make_task

PAIRS = [(f"{'abcde'[n % 5]}{'xyz'[n % 3]}{n // 15}", f"{n // 15}{'XYZ'[n % 3]}") for n in range(60)]


def written(path, pairs):
    path.write_text("".join(f"{one}\t{other}\n" for one, other in pairs), "utf-8")
    return path


def quiet(spec):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return make_task(spec)


def sources(task):
    parts = (task.x_train, task.x_validation, task.x_test)
    length = task.coded.lengths[0]
    return [{tuple(row[:length].tolist()) for row in part} for part in parts]


@pytest.mark.parametrize("name", ["dates", "pronunciation"])
def test_a_built_in_task_has_no_source_twice_and_the_answer_so_far_beside_it(name):
    task = make_task({"name": name, "train_size": 60, "validation_size": 30, "test_size": 30})
    assert (len(task.y_train), len(task.y_validation), len(task.y_test)) == (60, 30, 30)
    assert (task.target.causal, task.target.score) == (True, "token_accuracy")
    train, validation, test = sources(task)
    assert not train & validation | train & test | validation & test
    # The answer so far is the answer, shifted by one.
    vocabulary, source = task.coded.vocabulary, task.coded.lengths[0]
    for x, y in zip(task.x_train, task.y_train, strict=True):
        before = [vocabulary[int(code)] for code in x[source:]]
        asked = [task.target.names[number] if number > 0 else "" for number in y]
        assert before[0] == "<start>"
        end = asked.index("")
        assert before[1 : 1 + end] == asked[:end]
        assert not any(before[1 + end :])
        assert y[end] == 0
        assert (y[end + 1 :] == -1).all()


def test_a_date_is_written_in_iso_and_a_word_in_phones():
    dates, words = make_task("dates"), make_task("pronunciation")
    assert all(len(text) == 10 and text[4] == text[7] == "-" for text in dates.files.named(dates.y_test))
    found = dict(zip(_texts(dates), dates.files.named(dates.y_train), strict=True))
    assert found["20 settembre 1958"] == "1958-09-20"
    assert "B AA T CH ER" in words.files.named(words.y_train)


def _texts(task):
    length, names = task.coded.lengths[0], task.coded.vocabulary
    return ["".join(names[int(code)] for code in row[:length]) for row in task.x_train]


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "babel.dates", None)
    with pytest.raises(NASGymError, match=r"pip install 'nas-gym\[translation\]'"):
        make_task("dates")


def test_translations_in_one_file_and_in_two_are_one_task(tmp_path):
    one = quiet({"name": "translation", "path": written(tmp_path / "pairs.tsv", PAIRS)})
    (tmp_path / "a.txt").write_text("\n".join(source for source, _ in PAIRS))
    (tmp_path / "b.txt").write_text("\r\n".join(answer for _, answer in PAIRS) + "\r\n\r\n")
    two = quiet({"name": "translation", "path": tmp_path / "a.txt", "target_path": tmp_path / "b.txt"})
    assert one.fingerprint == two.fingerprint
    assert (one.input_shape, one.coded.lengths) == ((6,), (3, 3))
    assert quiet(json.loads(json.dumps(two.spec))).fingerprint == two.fingerprint
    named = written(tmp_path / "named.tsv", [("b", "a"), *((answer, source) for source, answer in PAIRS)])
    third = quiet({"name": "translation", "path": named, "source": "a", "target": "b"})
    assert third.fingerprint == one.fingerprint


def test_what_is_left_out_is_counted(tmp_path):
    path = written(tmp_path / "p.tsv", [*PAIRS, ("", "X"), ("ab", " "), ("a" * 41, "X"), ("a", "X" * 50)])
    with pytest.warns(DataWarning) as said:
        task = make_task({"name": "translation", "path": path})
    notes = " ".join(str(one.message) for one in said)
    assert "2 lines of p.tsv without a source or an answer" in notes
    assert "2 pairs of p.tsv with more than 40 tokens" in notes
    assert sum(len(y) for y in (task.y_train, task.y_validation, task.y_test)) == 60


def test_a_source_with_several_answers_is_in_one_part(tmp_path):
    path = written(tmp_path / "p.tsv", [*PAIRS, *((one, other + "!") for one, other in PAIRS)])
    train, validation, test = sources(quiet({"name": "translation", "path": path}))
    assert not train & validation | train & test | validation & test


def test_rare_words_have_one_code(tmp_path):
    pairs = [(f"the cat {n}", f"le chat {n}") for n in range(20)]
    path = written(tmp_path / "p.tsv", pairs)
    task = quiet({"name": "translation", "path": path, "unit": "words", "max_names": 2})
    assert task.coded.vocabulary == ("", "<start>", "<unknown>", "cat", "the", "chat", "le")
    assert task.files.named(task.y_train)[0] == "le chat <unknown>"
    assert task.files.encode(["the dog"])[0].tolist() == [4, 2, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("a\tb\nno tab\n" * 20, {}, r"line 2 of p.tsv has 1 cell between tabs"),
        ("a\tb\n" * 3, {}, "3 pairs that can be used, a task needs 10"),
        ("a\t\n" * 20, {}, r"0 pairs that can be used \(20 empty ones are left out\)"),
        ("a\tb\n" * 20, {"unit": "letters"}, "unknown unit 'letters'"),
        ("a\tb\n" * 20, {"source": "x", "target": "b"}, "unknown column of p.tsv 'x'"),
        ("a\tb\n" * 20, {"source": "a"}, "pass both, or neither"),
        ("a\tb\n" * 20, {"max_length": 0}, "max_length must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, content, options, sentence):
    (tmp_path / "p.tsv").write_text(content)
    with pytest.raises(NASGymError, match=sentence):
        quiet({"name": "translation", "path": tmp_path / "p.tsv", **options})


def test_files_of_unequal_lines_are_one_sentence(tmp_path):
    (tmp_path / "a.txt").write_text("a\n" * 20)
    (tmp_path / "b.txt").write_text("b\n" * 19)
    with pytest.raises(NASGymError, match=r"a.txt has 20 lines and b.txt 19"):
        quiet({"name": "translation", "path": tmp_path / "a.txt", "target_path": tmp_path / "b.txt"})


FORM = PairForm(("", "<start>", "a", "b", "c"), ("", "a", "b"), (3, 4), translates=True)


def echo(x):
    """A network that answers with the source up to its end, and is lost where its last answer was wrong."""
    outputs = np.zeros((len(x), 3, 4), dtype=np.float32)
    for row, out in zip(x, outputs, strict=True):
        answers = [{2: 1, 3: 2}.get(int(code), 0) for code in row[:3]] + [0]
        for place, answer in enumerate(answers):
            before = 1 if place == 0 else {1: 2, 2: 3, 0: 0}[answers[place - 1]]
            out[answer if row[3 + place] == before else 2, place] = 1
    return outputs.reshape(len(x), -1)


def test_answers_are_decoded_from_a_networks_own_answers():
    x = FORM.encode(["ab", "bba", "a"])
    wrong = x.copy()
    wrong[:, 4:] = 3  # what stands there as an answer is not looked at
    found = FORM.decoded(wrong, echo)
    assert FORM.texts(found) == ["ab", "bba", "a"]
    assert (FORM.decoded(x, echo) == found).all()


def test_decoded_answers_are_measured_by_exact_match_chrf_and_bleu():
    pytest.importorskip("sacrebleu")
    x, y = FORM.encode(["ab", "bba"]), np.array([[1, 2, 0, -1], [2, 2, 2, 0]])
    found = decoded_metrics(FORM, x, y, echo)
    assert set(found) == {"decoded_exact_match", "decoded_token_errors", "chrf", "bleu"}
    assert found["decoded_token_errors"] == pytest.approx(1 / 5)  # "bba" for "bbb"
    assert found["decoded_exact_match"] == 0.5
    assert 0 < found["chrf"] < 100


def test_a_form_is_built_again_by_its_config():
    assert form_of(json.loads(json.dumps(FORM.config()))) == FORM


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "has 0 characters"), ("abca", "has 4 characters, the network reads 1 to 3"), ("ad", "has 'd'")],
)
def test_a_text_that_cannot_be_read_is_one_sentence(text, sentence):
    with pytest.raises(NASGymError, match=sentence):
        FORM.encode([text])


@pytest.mark.parametrize("score", ["token_accuracy", "exact_match", "uncertainty_removed"])
def test_a_score_is_that_of_what_it_is_made_of(score):
    rng = np.random.default_rng(0)
    target = Tokens(("", "a", "b"), 4, score=score)
    outputs, truth = 3 * rng.standard_normal((50, 12)), rng.integers(-1, 3, size=(50, 4))
    truth[:20] = outputs[:20].reshape(20, 3, 4).argmax(axis=1)
    found = target.score_of_parts(target.parts(outputs, truth))
    assert found == pytest.approx(target.measure(outputs, truth)[0])
    twice = rng.integers(50, size=70)
    found = target.score_of_parts(target.parts(outputs, truth)[twice])
    assert found == pytest.approx(target.measure(outputs[twice], truth[twice])[0])
