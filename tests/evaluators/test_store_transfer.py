"""What is in a store, and how results get in and out of it: info, merging, files, pruning."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Store, StoredEvaluator, existing_store
from nas_gym.evaluators.store.keys import digest
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, LEASES
from tests.helpers.store_worker import TASK, NotedEvaluator, evaluation, requests, rows

CUDA = "cuda, fp32, torch 2.13.0, NVIDIA H100"


def key_of(request, **parts):
    return NotedEvaluator(None).key(request) | parts


def put(store, *pairs):
    """Store evaluations under keys."""
    store.run(lambda connection: EVALUATIONS.add(connection, [EVALUATIONS.row(*pair) for pair in pairs]))


def filled(path, first, last, **parts):
    """A store with the evaluations of some architectures."""
    store = Store(path)
    put(store, *((key_of(each, **parts), evaluation(each)) for each in requests(first, last)))
    return store


def contents(store):
    """Evaluations by the hash of their key."""
    return {digest(key): one for key, one in store.evaluations()}


@pytest.fixture
def store(tmp_path):
    """A store with six evaluations, failed ones among them, and two final scores."""
    evaluator = StoredEvaluator(NotedEvaluator(tmp_path / "log"), Store(tmp_path / "store.db"))
    evaluator.evaluate(requests(0, 6))
    evaluator.test(requests(1, 2)[0].architecture, [0, 1])
    return evaluator.store


def test_info_counts_by_every_part_of_the_settings(store):
    put(store, *((key_of(each, engine=2, numerics=CUDA), evaluation(each)) for each in requests(0, 3)))
    put(store, (key_of(requests(0, 1)[0], task="other"), evaluation(requests(0, 1)[0])))
    put(store, (key_of(requests(0, 1)[0], numerics=CUDA), evaluation(requests(0, 1)[0])))
    info = store.info()
    assert (info.evaluations, info.final_scores, info.leases, info.expired_leases) == (11, 2, 0, 0)
    assert info.by("task") == {TASK.fingerprint: 10, "other": 1}
    assert info.by("engine") == {"1": 8, "2": 3}
    assert info.by("recipe") == {'{"epochs":3}': 11}
    assert info.by("numerics") == {"none": 7, CUDA: 4}
    assert info.side_by_side() == [(CUDA, "none")]
    assert 10_000 < info.bytes < 1_000_000


def test_info_tells_leases_of_work_from_those_that_expired(store):
    expired = {"name": "evaluation:x", "owner": "elsewhere|1|1|1|1", "expires": 1.0}
    with store._engine.begin() as connection:
        connection.execute(sa.insert(LEASES), [expired, expired | {"name": "evaluation:y", "expires": 1e12}])
    assert (store.info().leases, store.info().expired_leases) == (1, 1)
    assert store.prune(expired_leases=True, dry_run=True).leases == 1
    assert store.prune(expired_leases=True).leases == 1
    assert (store.info().leases, store.info().expired_leases) == (1, 0)


def test_stores_merge_into_their_union(tmp_path):
    into = filled(tmp_path / "a.db", 0, 5)
    sources = [filled(tmp_path / "b.db", 3, 8), filled(tmp_path / "c.db", 7, 10)]
    progress = []
    report = into.merge(*sources, on_progress=lambda *at: progress.append(at))
    assert (report.added, report.same, report.near, report.kept) == (5, 3, 0, 0)
    assert contents(into) == contents(filled(tmp_path / "all.db", 0, 10))
    assert progress[-1] == (8, 8)
    assert progress == sorted(progress)
    assert [len(contents(source)) for source in sources] == [5, 3]


def test_final_scores_are_merged_too(store, tmp_path):
    into = Store(tmp_path / "into.db")
    assert into.merge(store).added == 8
    assert len(rows(into, FINAL_SCORES.table)) == 2


def test_the_clock_does_not_make_a_difference(tmp_path):
    request = requests(0, 1)[0]
    into, source = Store(tmp_path / "a.db"), Store(tmp_path / "b.db")
    put(into, (key_of(request), evaluation(request)))
    put(source, (key_of(request), replace(evaluation(request), seconds=99.0)))
    assert into.merge(source).same == 1


def differing(tmp_path, numerics, change):
    """Two stores with one key that has other values, and another key each."""
    into, source = filled(tmp_path / "a.db", 0, 1), filled(tmp_path / "b.db", 3, 4)
    request = requests(1, 2)[0]
    put(into, (key_of(request, numerics=numerics), evaluation(request)))
    put(source, (key_of(request, numerics=numerics), change(evaluation(request))))
    return into, source


def test_another_value_under_one_key_is_counted_and_named_and_nothing_is_written(tmp_path):
    into, source = differing(tmp_path, "none", lambda one: replace(one, score=one.score + 0.001))
    before = contents(into)
    words = r"1 rows of the store .*b.db have another value .*with seed 0 has score .* and not "
    with pytest.raises(NASGymError, match=words):
        into.merge(source)
    assert contents(into) == before
    report = into.merge(source, keep=True)
    assert (report.added, report.kept, round(report.largest, 6)) == (1, 1, 0.001)
    assert "1 there with another value, which stays (scores differ by 0.001 at most)" in str(report)
    assert before.items() <= contents(into).items()


@pytest.mark.parametrize("apart", [0.001, 0.02])
def test_values_of_a_gpu_may_be_as_far_apart_as_it_repeats_them(tmp_path, apart):
    into, source = differing(tmp_path, CUDA, lambda one: replace(one, score=one.score + 0.99 * apart))
    before = contents(into)
    report = into.merge(source)
    assert (report.added, report.near, report.kept) == (1, 1, 0)
    assert report.largest == pytest.approx(0.99 * apart)
    assert before.items() <= contents(into).items()


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, score=one.score + 0.03),
        lambda one: replace(one, status="failed", error="diverged"),
    ],
)
def test_values_of_a_gpu_that_are_further_apart_are_refused(tmp_path, change):
    into, source = differing(tmp_path, CUDA, change)
    with pytest.raises(NASGymError, match="another value"):
        into.merge(source)


def test_a_source_that_is_refused_leaves_what_those_before_it_gave(tmp_path):
    into, source = differing(tmp_path, "none", lambda one: replace(one, parameters=7))
    with pytest.raises(NASGymError, match="has parameters 1 and not 7"):
        into.merge(filled(tmp_path / "c.db", 4, 6), source)
    assert len(contents(into)) == 4


def test_a_store_is_not_merged_into_itself_or_from_nowhere(store, tmp_path):
    with pytest.raises(NASGymError, match="into itself"):
        store.merge(store.spec)
    with pytest.raises(NASGymError, match=r"there is no store at .*nowhere.db: pass one"):
        store.merge(tmp_path / "nowhere.db")
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("final_scores", [False, True])
def test_a_file_gives_back_every_row_as_it_was(store, tmp_path, suffix, final_scores):
    path = tmp_path / f"rows{suffix}"
    count = store.export_file(path, final_scores=final_scores)
    back = Store(tmp_path / "back.db")
    assert back.import_file(path).added == count == (2 if final_scores else 6)
    table = (FINAL_SCORES if final_scores else EVALUATIONS).table
    assert sorted(rows(back, table)) == sorted(rows(store, table))
    assert str(back.import_file(path)) == f"0 added, {count} there with the same value"
    assert [each.name for each in tmp_path.glob("*unfinished*")] == []


def test_an_empty_store_makes_an_empty_file(tmp_path):
    for suffix in (".parquet", ".csv"):
        assert Store("memory").export_file(tmp_path / f"none{suffix}") == 0
        assert Store("memory").import_file(tmp_path / f"none{suffix}").added == 0


def test_texts_of_any_kind_survive_a_csv_file(tmp_path):
    request = requests(0, 1)[0]
    odd = 'a "quoted",\r\nline\ttab é and "" twice'
    failed = replace(evaluation(request), status="failed", error=odd, metrics={"κ": -1e-300})
    store = Store(tmp_path / "a.db")
    put(store, (key_of(request, architecture=odd), replace(failed, architecture=odd)))
    store.export_file(tmp_path / "odd.csv")
    back = Store("memory")
    back.import_file(tmp_path / "odd.csv")
    assert list(back.evaluations()) == list(store.evaluations())


def test_parquet_without_pyarrow_is_one_sentence(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NASGymError, match=r"pip install 'nas-gym\[data\]', or use a .csv file"):
        store.export_file(tmp_path / "rows.parquet")
    assert list(tmp_path.glob("rows*")) == []


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("key", "0" * 64, "not the one that its hash is of"),
        ("key_json", "{", "row 2 .* is damaged"),
        ("key_json", "[" * 100_000, "row 2 .* is damaged"),
        ("key_json", "[1]", "its key is no key"),
        ("score", "nan", "its score is nan"),
        ("score", "good", "could not convert"),
        ("score", "", "its score is missing"),
        ("curve", "[1, NaN]", "NaN is no JSON"),
        ("curve", '["a"]', "its curve is no list of numbers"),
        ("metrics", "[]", "its metrics are no numbers by name"),
        ("parameters", "1.5", "invalid literal"),
        ("parameters", str(2**63), "its parameters is no integer of 64 bits"),
        ("status", "fine", "its status is 'fine'"),
        ("created", "yesterday", "yesterday"),
    ],
)
def test_a_damaged_row_is_refused_by_its_number_and_nothing_is_written(store, tmp_path, column, value, words):
    path = tmp_path / "rows.csv"
    store.export_file(path)
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    lines[1][column] = value
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    into = Store(tmp_path / "into.db")
    with pytest.raises(NASGymError, match=words) as caught:
        into.import_file(path)
    assert "\n" not in str(caught.value)
    assert contents(into) == {}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.txt", b"", "neither .parquet nor .csv"),
        ("rows.csv", b"", "lacks the columns architecture, created"),
        ("rows.csv", b"key,score\n1,2\n", "lacks the columns architecture, created"),
        ("rows.csv", b"\xff\xfe\x00", "cannot be read as CSV"),
        ("rows.csv", b'"key', "cannot be read as CSV"),
        ("rows.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("rows.parquet", b"", "cannot be read as Parquet"),
    ],
)
def test_a_file_of_something_else_is_refused(store, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NASGymError, match=words):
        store.import_file(tmp_path / name)


def test_a_key_twice_in_a_file_is_never_taken_in_silence(store, tmp_path):
    path = tmp_path / "rows.csv"
    store.export_file(path)
    with path.open(newline="") as file:
        row = next(csv.DictReader(file))
    with path.open("a", newline="") as file:
        csv.DictWriter(file, row).writerow(row | {"score": "0.987"})
    report = Store("memory").import_file(path)
    assert (report.added, report.kept) == (6, 1)


def test_an_export_does_not_replace_a_file(store, tmp_path):
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(NASGymError, match="exists already"):
        store.export_file(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "mine"


def test_pruning_removes_what_meets_every_condition(store):
    put(store, *((key_of(each, engine=2), evaluation(each)) for each in requests(0, 3)))
    put(store, *((key_of(each, task="other"), evaluation(each)) for each in requests(0, 2)))
    with store._engine.begin() as connection:
        table = EVALUATIONS.table
        old = sa.update(table).where(table.c.architecture == str(requests(0, 1)[0].architecture))
        connection.execute(old.values(created=datetime(2020, 1, 1)))
    counts = {
        "old": store.prune(older_than=timedelta(days=30), dry_run=True),
        "old of an engine": store.prune(older_than=timedelta(days=30), engine=2, dry_run=True),
        "task": store.prune(task=TASK.fingerprint[:8], dry_run=True),
    }
    assert {name: (each.evaluations, each.final_scores) for name, each in counts.items()} == {
        "old": (3, 0),
        "old of an engine": (1, 0),
        "task": (9, 2),
    }
    assert store.info().evaluations == 11
    progress = []
    done = store.prune(task=TASK.fingerprint, on_progress=lambda *at: progress.append(at))
    assert (done.evaluations, done.final_scores) == (9, 2)
    assert progress[-1] == (11, 11)
    assert store.info().by("task") == {"other": 2}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "what to remove: pass an age, a task, an engine or the expired leases"),
        ({"task": "no such"}, "has no task whose fingerprint begins with 'no such'"),
        ({"task": ""}, "has no task whose fingerprint begins with ''"),
        ({"older_than": timedelta(days=-1)}, "an age is not negative"),
    ],
)
def test_pruning_asks_for_what_to_remove(store, options, words):
    with pytest.raises(NASGymError, match=words):
        store.prune(**options)
    assert store.info().evaluations == 6


def test_a_store_in_memory_does_all_of_it(tmp_path):
    store = Store("memory")
    put(store, *((key_of(each), evaluation(each)) for each in requests(0, 4)))
    assert store.export_file(tmp_path / "rows.csv") == 4
    assert store.merge(filled(tmp_path / "b.db", 0, 6)).added == 2
    assert store.prune(engine=1).evaluations == 6


def test_reading_every_evaluation_lets_others_write_meanwhile(store):
    drawn = store.evaluations()
    first = next(drawn)
    put(store, *((key_of(each), evaluation(each)) for each in requests(10, 12)))
    assert len([first, *drawn]) == 6
    assert store.info().evaluations == 8


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(NASGymError, match="there is no store"):
        existing_store(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, ["store", *arguments], catch_exceptions=False)

    return invoke


def test_the_commands_do_what_their_functions_do(cli, store, tmp_path):
    told = cli("info", "store.db").output
    assert "6 evaluations, 2 final scores" in told
    assert f"             6  {TASK.fingerprint}" in told
    assert "6 evaluations of" in cli("export", "store.db", "rows.parquet").output
    assert "2 final scores of" in cli("export", "store.db", "scores.csv", "--final-scores").output
    assert "6 added, 0 there with the same value" in cli("import", "new.db", "rows.parquet").output
    filled(tmp_path / "more.db", 6, 9)
    assert "5 added, 6 there with the same value" in cli("merge", "new.db", "more.db", "store.db").output
    said = cli("prune", "new.db", "--older-than", "0m", "--dry-run").output
    assert "9 evaluations, 2 final scores and 0 expired leases would be removed from" in said
    assert "9 evaluations" in cli("prune", "new.db", "--engine", "1").output
    assert existing_store("new.db").info().evaluations == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "none.db"],
        ["export", "none.db", "rows.csv"],
        ["export", "store.db", "rows.xlsx"],
        ["import", "none.db", "rows.csv"],
        ["import", "none.db", "damaged.csv"],
        ["merge", "none.db", "nowhere.db"],
        ["merge", "store.db", "store.db"],
        ["prune", "store.db"],
        ["prune", "store.db", "--older-than", "a while"],
        ["prune", "none.db", "--engine", "1"],
        ["info", "mysql://me:hunter2@db/nas"],
    ],
)
def test_what_a_command_refuses_is_one_sentence_and_leaves_nothing(cli, store, tmp_path, arguments):
    (tmp_path / "damaged.csv").write_text("key\n1\n")
    before = {each.name for each in tmp_path.iterdir()}
    result = cli(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("nas-gym: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.output + result.stderr
    assert {each.name for each in tmp_path.iterdir()} == before
