"""Splits that are not by chance: named parts, groups that stay together, order of time."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import NASGymError
from nas_gym.estimators.plan import with_folds
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.splits import dealt, in_order
from tests.helpers.refusals import refused

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


def examples(n=120, classes=2, seed=0):
    """Examples whose first feature is their number, so that parts can be told."""
    rng = np.random.default_rng(seed)
    x = np.stack([np.arange(n, dtype=float), rng.normal(size=n)], axis=1)
    return x, np.arange(n) % classes


def members(task):
    """Numbers of the examples in each part."""
    return [
        np.round(getattr(task, f"x_{part}")[:, 0] * task.scale[0] + task.mean[0]).astype(int)
        for part in ("train", "validation", "test")
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 30), st.integers(1, 3), st.integers(0, 9))
def test_no_group_is_in_two_parts_or_folds(amount, classes, seed):
    rng = np.random.default_rng(seed)
    x, y = examples(240, max(classes, 2), seed)
    groups = rng.permutation(np.arange(240) % amount)
    values = {"target_kind": "values"} if classes == 1 else {}
    task = Task.from_arrays(x, x[:, 1] if values else y, group=groups, split_seed=seed, **values)
    owners = [set(groups[part].tolist()) for part in members(task)]
    assert all(owners)
    assert not owners[0] & owners[1] | owners[0] & owners[2] | owners[1] & owners[2]
    assert "groups stay together" in task.split
    folded = Task.from_arrays(x, x[:, 1] if values else y, group=groups, folds=3, split_seed=seed, **values)
    known = np.concatenate(members(folded)[:2])
    inside = [set(groups[known[fold]].tolist()) for fold in folded.folds]
    assert sum(map(len, inside)) == len(set().union(*inside))
    assert not set().union(*inside) & set(groups[members(folded)[2]].tolist())
    assert sorted(np.concatenate(folded.folds).tolist()) == list(range(len(known)))


def test_parts_of_groups_have_about_their_size_and_share_of_each_class():
    rng = np.random.default_rng(1)
    groups, y = rng.integers(0, 60, 3000), (rng.random(3000) < 0.1).astype(int)
    parts = dealt(groups, np.eye(2, dtype=int)[y], (1800, 600, 600), 0, "group")
    for part, size in zip(parts, (1800, 600, 600), strict=True):
        assert abs(len(part) - size) < 30
        assert abs(y[part].mean() - y.mean()) < 0.01
    again = dealt(groups, np.eye(2, dtype=int)[y], (1800, 600, 600), 0, "group")
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 60), st.integers(0, 4), st.integers(0, 9))
def test_what_is_later_is_in_a_later_part_and_one_time_is_in_one_part(different, gap, seed):
    rng = np.random.default_rng(seed)
    times = rng.permutation(np.concatenate([np.arange(different), rng.integers(0, different, 100)]))
    n = len(times)
    train, validation, test = in_order(times, (n - 2 * (n // 5), n // 5, n // 5), gap, "time")
    assert times[train].max() <= times[validation].max() < times[test].min()
    assert times[train].max() < times[validation].min()
    if not gap:
        assert len(train) + len(validation) + len(test) == n
    assert len(test) == (times >= times[test].min()).sum()


def test_a_gap_leaves_examples_out_before_later_parts():
    x, y = examples(100)
    task = Task.from_arrays(x, y, time=np.arange(100), gap=5)
    train, validation, test = members(task)
    assert (train.max(), validation.min(), validation.max(), test.min()) == (54, 60, 74, 80)
    assert "5 examples are left out before each later part" in task.split


def test_order_by_time_has_no_folds_and_a_fit_says_why():
    x, y = examples()
    single = Task.from_arrays(x, y, time=np.arange(120))
    task, folds, why = with_folds(
        single, lambda count: Task.from_arrays(x, y, time=np.arange(120), folds=count)
    )
    assert (task, folds) == (single, 1)
    assert "order of time" in why


def test_named_parts_are_as_named_and_a_validation_part_is_drawn_where_none_is():
    x, y = examples()
    words = np.array(["Train"] * 60 + ["val"] * 30 + ["holdout"] * 30)
    task = Task.from_arrays(x, y, split=words)
    assert [part.tolist() for part in members(task)] == [
        list(range(60)),
        list(range(60, 90)),
        list(range(90, 120)),
    ]
    words[60:90] = "train"
    task = Task.from_arrays(x, y, split=words)
    train, validation, test = members(task)
    assert (len(train), len(validation)) == (72, 18)
    assert test.tolist() == list(range(90, 120))
    assert "validation is drawn from train at random" in task.split
    folded = Task.from_arrays(x, y, split=words, folds=5)
    assert [len(fold) for fold in folded.folds] == [18] * 5
    grouped = Task.from_arrays(x, y, split=words, group=np.arange(120) // 6)
    train, validation, _ = members(grouped)
    assert not set((train // 6).tolist()) & set((validation // 6).tolist())


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    first = date(2024, 1, 1)
    frame = pd.DataFrame(
        {
            "age": rng.normal(size=90).round(3),
            "patient": [f"p{number % 9}" for number in range(90)],
            "day": [(first + timedelta(days=number)).strftime("%d.%m.%Y") for number in range(90)],
            "fold": ["train"] * 50 + ["validation"] * 20 + ["test"] * 20,
            "sick": ["yes", "no"] * 45,
        }
    )
    frame.to_csv(tmp_path / "sick.csv", index=False)
    return frame, tmp_path


def of_file(folder, **options):
    return {"name": "csv", "path": str(folder / "sick.csv"), "target": "sick", **options}


def test_columns_that_split_are_no_features_and_what_they_did_is_said(table):
    frame, folder = table
    grouped = make_task(of_file(folder, group="patient", drop=["day", "fold"]))
    assert grouped.feature_names == ("age",)
    assert grouped.notes[-2] == f"the parts are {grouped.split}"
    assert grouped.notes[-1].endswith("where those of a group are alike, the intervals are too narrow")
    timed = make_task(of_file(folder, time="day", drop=["patient", "fold"]))
    assert timed.feature_names == ("age",)
    assert "train from 01.01.2024 to 23.02.2024" in timed.split
    assert timed.notes[-1] == f"the parts are {timed.split}"
    named = make_task(of_file(folder, split="fold", drop=["patient", "day"]))
    assert (len(named.y_train), len(named.y_validation), len(named.y_test)) == (50, 20, 20)
    again = make_task(json.loads(json.dumps(named.spec)))
    assert again.fingerprint == named.fingerprint
    of_frame = Task.from_arrays(frame[["age", "patient"]], frame["sick"], group="patient")
    assert of_frame.fingerprint == grouped.fingerprint


def test_a_file_beside_the_table_says_the_parts(table):
    frame, folder = table
    path = folder / "parts.csv"
    frame[["fold"]].to_csv(path, index=False)
    beside = make_task(of_file(folder, split=str(path), drop=["patient", "day", "fold"]))
    column = make_task(of_file(folder, split="fold", drop=["patient", "day"]))
    assert beside.fingerprint == column.fingerprint
    assert "file parts.csv" in beside.split
    frame[["fold"]].head(80).to_csv(path, index=False)
    refused("says the part of 80 rows, and sick.csv has 90", of_file(folder, split=str(path)))


def test_arrays_of_a_file_split_it(tmp_path):
    x, y = examples()
    path = tmp_path / "data.npz"
    np.savez(path, x=x, y=y, groups=np.arange(120) // 5)
    task = make_task(path)
    assert not {part // 5 for part in members(task)[0]} & {part // 5 for part in members(task)[2]}
    assert "array 'groups'" in task.split
    np.savez(path, x=x, y=y, when=np.arange("2024-01-01", "2024-04-30", dtype="datetime64[D]"))
    timed = make_task({"name": "npz", "path": str(path), "time": "when"})
    assert members(timed)[2].tolist() == list(range(96, 120))


def test_bad_splits_are_refused_in_a_sentence(table):
    frame, folder = table
    refused("would both split", of_file(folder, group="patient", time="day"))
    refused("unknown column in group 'pateint'.*did you mean 'patient'", of_file(folder, group="pateint"))
    refused("unknown column in split 'nofile.csv'.*no such file", of_file(folder, split="nofile.csv"))
    refused("has '.*' in row 1, expected train", of_file(folder, split="age"))
    refused("nothing to folds", of_file(folder, split="fold", folds=5))
    refused("nothing to test_size", of_file(folder, split="fold", test_size=0.3))
    refused("is the target and says the split", of_file(folder, group="sick"))
    refused("gap is of an order by time", of_file(folder, gap=3))
    refused("gap must be a whole number", of_file(folder, time="day", gap=-1))
    refused("neither a number nor a date", of_file(folder, time="patient"))
    refused("groups stay together", of_file(folder, split="fold", group="patient"))
    refused("later examples than they are judged by", of_file(folder, time="day", folds=5))
    frame.assign(patient=["a", "b"] * 45).to_csv(folder / "sick.csv", index=False)
    refused("has 2 groups, and each of 3 parts needs one", of_file(folder, group="patient"))
    frame.assign(patient=[None, *frame["patient"][1:]]).to_csv(folder / "sick.csv", index=False)
    refused("misses 1 of 90 values, the first in row 1", of_file(folder, group="patient"))
    frame.assign(fold=["nonsense", *frame["fold"][1:]]).to_csv(folder / "sick.csv", index=False)
    refused("has 'nonsense' in row 1, expected train", of_file(folder, split="fold"))
    frame.assign(day=1).to_csv(folder / "sick.csv", index=False)
    refused("has 1 different time, and each of 3 parts needs one", of_file(folder, time="day"))
    frame.assign(day=[f"0{1 + n % 9}/0{1 + n // 10}/2024" for n in range(90)]).to_csv(
        folder / "sick.csv", index=False
    )
    refused("may be the day or the month", of_file(folder, time="day"))
    x, y = examples()
    with pytest.raises(NASGymError, match="one value for each of the 120 examples, not 3"):
        Task.from_arrays(x, y, group=[1, 2, 3])
    with pytest.raises(NASGymError, match="one value for each example, not 'patient'"):
        Task.from_arrays(x, y, group="patient")


def test_groups_that_fit_a_single_split_but_not_folds_keep_the_single_split():
    rng = np.random.default_rng(1)
    groups, rare = rng.integers(0, 8, 60), rng.permutation(8)[:3]
    y = np.where(np.isin(groups, rare) & (rng.random(60) < 0.5), 0, 1)
    x = rng.normal(size=(60, 2))
    single = Task.from_arrays(x, y, group=groups)
    task, folds, why = with_folds(single, lambda count: Task.from_arrays(x, y, group=groups, folds=count))
    assert (task, folds) == (single, 1)
    assert why.startswith("no folds, since the validation part has no example of class '0'")


def test_options_and_arrays_of_a_wrong_type_are_refused_in_a_sentence(table, tmp_path):
    _, folder = table
    refused("unknown column in group", of_file(folder, group=["patient"]))
    refused("unknown column in time", of_file(folder, time=["day"]))
    refused("unknown column in split", of_file(folder, split=["fold"]))
    np.savez(tmp_path / "scalar.npz", x=np.zeros((4, 2)), y=np.float64(3))
    refused("y", {"name": "npz", "path": str(tmp_path / "scalar.npz")})


def test_folds_that_the_user_chose_are_kept():
    x, y = examples()
    single = Task.from_arrays(x, y)
    task, folds, why = with_folds(single, lambda count: Task.from_arrays(x, y, folds=count), chosen=True)
    assert (task, folds, why) == (single, 1, "")


def test_named_parts_that_are_not_in_order_of_time_are_refused(table):
    frame, folder = table
    in_order_of_time = make_task(of_file(folder, split="fold", time="day"))
    assert (len(in_order_of_time.y_train), len(in_order_of_time.y_test)) == (50, 20)
    refused("leaves nothing to gap", of_file(folder, split="fold", time="day", gap=2))
    frame.assign(fold=frame["fold"][::-1].to_numpy()).to_csv(folder / "sick.csv", index=False)
    refused(
        "'fold' puts .*2024 into the train part.*leave time out", of_file(folder, split="fold", time="day")
    )
    later = ["test"] * 20 + ["train"] * 70  # of which a validation part is drawn
    frame.assign(fold=later).to_csv(folder / "sick.csv", index=False)
    refused("into the validation part.*leave time out", of_file(folder, split="fold", time="day"))
    frame.assign(day=1).to_csv(folder / "sick.csv", index=False)
    refused("puts 1 into the train part", of_file(folder, split="fold", time="day"))


def test_arrays_of_a_file_with_usual_names_split_it_only_if_they_fit_and_no_others_are_named(tmp_path):
    x, y = examples()
    path = tmp_path / "data.npz"
    np.savez(path, x=x, y=y, split=np.arange(120), times=np.arange(7))
    task = make_task(path)
    assert "at random" in task.split
    assert sum("is not used to split the examples" in note for note in task.notes) == 2
    np.savez(path, x=x, y=y, groups=np.arange(120) // 5, times=np.arange(120))
    grouped = make_task({"name": "npz", "path": str(path), "group": "groups"})
    assert "groups stay together" in grouped.split
    refused("pass group='groups' or time='times'", path)
    np.savez(path, x=x, y=y, times=np.arange(120))
    timed = make_task({"name": "npz", "path": str(path), "gap": 2})
    assert "train from 0 to" in timed.split
    assert any("'times' is used to split the examples" in note for note in timed.notes)


def test_times_in_arrays_are_read_with_the_day_first_where_that_is_said():
    x, y = examples()
    times = [f"0{1 + n % 9}/0{1 + n // 20}/2024" for n in range(120)]
    with pytest.raises(NASGymError, match="may be the day or the month"):
        Task.from_arrays(x, y, time=times)
    task = Task.from_arrays(x, y, time=times, day_first=True)
    assert members(task)[2].min() >= 80  # of the last two months


def test_groups_of_files_miss_what_the_option_says(tmp_path):
    image = pytest.importorskip("PIL.Image")
    names = [f"{number}.png" for number in range(30)]
    for number, name in enumerate(names):
        image.new("L", (8, 8), number).save(tmp_path / name)
    groups = ["lost" if number == 3 else f"g{number // 2}" for number in range(30)]
    index = tmp_path / "index.csv"
    pd.DataFrame({"file": names, "kind": ["cat", "dog"] * 15, "owner": groups}).to_csv(index, index=False)
    spec = {"name": "folder", "path": str(tmp_path), "index": str(index), "target": "kind", "group": "owner"}
    refused("misses 1 of 30 values, the first in row 4", {**spec, "missing": ["lost"]})


def test_what_is_wrong_with_a_split_is_named_as_it_is():
    x, y = examples()
    times = np.r_[np.zeros(20), np.ones(40), np.arange(2, 62)]
    with pytest.raises(NASGymError, match=r"too many examples have one time.*raise train_size"):
        Task.from_arrays(x, y, time=times, train_size=10, validation_size=60)
    with pytest.raises(NASGymError, match="a gap of 80 leaves no example to the train part: lower gap"):
        Task.from_arrays(x, y, time=np.arange(120), gap=80)
    with pytest.raises(NASGymError, match=r"not an array of shape \(120, 1\)"):
        Task.from_arrays(x, y, group=np.arange(120).reshape(-1, 1))


def test_times_are_told_apart_by_fractions_of_a_second_and_mixed_zones_are_refused():
    x, y = examples()
    thousandths = np.datetime64("2024-01-01", "ms") + np.arange(120)
    texts = [f"2024-01-01 10:00:00.{number:06d}" for number in range(120)]
    zoned = [f"{text}Z" for text in texts]
    for times in (thousandths, texts, zoned, list(pd.to_datetime(zoned))):
        assert members(Task.from_arrays(x, y, time=times))[2].tolist() == list(range(96, 120))
    for odd in ("2024-01-01 10:00:01", "2024-01-01 10:00:01+02:00"):
        with pytest.raises(NASGymError, match="times of several zones"):
            Task.from_arrays(x, y, time=[*zoned[1:], odd])
    mixed = [*pd.to_datetime(zoned[1:]).to_pydatetime(), pd.Timestamp("2024-01-01").to_pydatetime()]
    with pytest.raises(NASGymError, match="times of several zones"):
        Task.from_arrays(x, y, time=mixed)
