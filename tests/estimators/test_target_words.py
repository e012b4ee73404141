"""What `nas_gym.fit` takes a target for is said before it searches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import nas_gym
from nas_gym.errors import NASGymError
from nas_gym.estimators.fitting import _single
from nas_gym.estimators.target_words import target_sentence
from nas_gym.tasks import Task

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))


def said(y, column="price", asked=False, **options):
    return target_sentence(Task.from_arrays(X, y, **options), column, asked=asked)


def test_values_are_counted_and_their_range_is_in_their_units():
    y = np.arange(120) * 250.5 + 34_900
    assert said(y, target_kind="values") == (
        "target price: values, 120 different ones from 34900 to 64709.5; target_kind='classes' reads classes"
    )
    assert said(y, asked=True, target_kind="values").endswith("to 64709.5")


def test_numbers_that_may_be_a_quantity_say_how_to_read_them_so():
    sentence = said(np.arange(120) % 8, column="")
    assert sentence.startswith("target: 8 classes (0 12.5%, 1 12.5%, 2 12.5%, 3 12.5% and 4 more)")
    assert sentence.endswith("; target_kind='values' reads values")
    assert "values" not in said(np.arange(120) % 8, asked=True)


def test_classes_are_listed_by_how_frequent_they_are():
    y = np.array(["b"] * 30 + ["a"] * 90)
    assert said(y, "kind") == "target kind: 2 classes (a 75.0%, b 25.0%)"


def test_several_labels_and_several_values_are_told():
    several = np.stack([np.arange(120) % 2, np.arange(120) % 4 == 0], axis=1).astype(int)
    found = said(several, "red, round", target_kind="labels", target_names=["red", "round"])
    assert found == "target red, round: 2 labels, of which a row may have several (red 50.0%, round 25.0%)"
    found = said(RNG.normal(size=(120, 2)), "", target_kind="values", target_names=["u", "v"])
    assert found == "target: 2 values, u, v"


@pytest.mark.filterwarnings("ignore")
def test_it_is_said_before_the_search_and_among_the_reasons(tmp_path):
    frame = pd.DataFrame(X, columns=list("abc")).assign(rating=np.arange(120) % 5)
    told = []
    found = nas_gym.fit(
        frame,
        "rating",
        minutes=0.05,
        budget=2,
        agent="random",
        recipe={"epochs": 1},
        folder=tmp_path / "run",
        report=False,
        store="memory",
        on_plan=told.append,
    )
    assert len(told) == 1
    assert told[0][0].startswith("target rating: 5 classes (0 20.0%")
    assert found.reasons_[0] == told[0][0]


def test_a_table_of_arrow_is_parted_by_the_names_of_its_columns_and_a_lazy_frame_is_refused():
    pyarrow, polars = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    columns = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "price": (X[:, 2] * 10).tolist()}
    task = _single(pyarrow.table(columns), "price", {"target_kind": "values"})
    assert task.feature_names == ("a", "b")
    with pytest.raises(NASGymError, match="has no column 'cost': it has a, b, price"):
        _single(pyarrow.table(columns), "cost", {})
    with pytest.raises(NASGymError, match=r"data is a LazyFrame.*of a lazy one that of collect\(\)"):
        nas_gym.fit(polars.DataFrame(columns).lazy(), "price")
