"""The report of a task of several labels: how well each is found, and where the network is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from nas_agents.runs.run import RunSpec, run
from sklearn.metrics import f1_score, precision_score, recall_score

from nas_gym.explain import explain
from nas_gym.explain.report import style
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.network.kinds import measure_answers
from nas_gym.tasks import Task
from tests.helpers.explain.drawing import undrawn

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
NAMES = ("red", "round", "rare")


def task_of(n: int = 200) -> Task:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    y = np.stack([x[:, 0] > 0, x[:, 1] > 0.4, x[:, 2] > 1.0], axis=1).astype(int)
    return Task.from_arrays(x, y, target_names=NAMES, feature_names=("a", "b", "c", "d"))


def draw(figures: list[Figure]) -> None:
    for figure in figures:
        with style.set_style():
            canvas = Canvas(figsize=figure.size, layout="constrained")
            figure.draw(canvas)
            canvas.canvas.draw()


def test_precision_recall_and_f1_are_those_of_scikit_learn() -> None:
    task = task_of()
    truth = task.y_validation.astype(int)
    rng = np.random.default_rng(1)
    outputs = 2.0 * truth - 1 + rng.normal(size=truth.shape)
    found = measure_answers(task, outputs, 0)
    answered = (outputs > 0).astype(int)
    for number, one in enumerate(found.numbers()["labels"]):
        pair = truth[:, number], answered[:, number]
        assert one["label"] == NAMES[number]
        assert one["examples"] == truth[:, number].sum()
        assert one["precision"] == pytest.approx(precision_score(*pair))
        assert one["recall"] == pytest.approx(recall_score(*pair))
        assert one["f1"] == pytest.approx(f1_score(*pair))
    right = int((answered == truth).all(axis=1).sum())
    assert found.words()[0] == f"It is right on every label for {right} of {len(truth)} of them."
    table, wrong = found.tables([0, 2])
    scores = [row[-1] for row in table.rows]
    assert scores == sorted(scores)
    assert wrong.columns == ("row", "label", "has it", "probability stated", "a", "c")
    assert task.origins is not None
    rows = [task.origins.name(row) for row in range(len(truth))]
    for example, label, there, stated, *_ in wrong.rows:
        place = rows.index(example), NAMES.index(str(label))
        assert (there == "yes") == bool(truth[place])
        assert (float(stated) > 0.5) != bool(truth[place])
    json.dumps(found.numbers())
    draw(found.figures())


def test_a_network_without_mistakes_and_one_that_finds_nothing_are_told_as_such() -> None:
    task = task_of()
    perfect = measure_answers(task, 8.0 * task.y_validation - 4, 0)
    count = len(task.y_validation)
    assert perfect.words() == [f"It is right on every label for {count} of {count} of them."]
    assert perfect.tables()[1].rows == ()
    nothing = measure_answers(task, np.full(task.y_validation.shape, -1.0), 0)
    assert "finds 0 of" in nothing.words()[1]
    assert "never gives it to others" in nothing.words()[1]
    for found in (perfect, nothing):
        draw(found.figures())
        json.dumps(found.numbers())


@pytest.mark.parametrize(("metric", "drawing"), [("macro_f1", nullcontext), ("subset_accuracy", undrawn)])
def test_a_run_on_labels_is_explained(
    metric: str, drawing: Callable[[], AbstractContextManager[None]], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).round(4)
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(
        red=(x[:, 0] > 0).astype(int), old=(x[:, 1] > 0.4).astype(int)
    )
    frame.to_csv(tmp_path / "things.csv", index=False)
    env = {
        "search_space": {
            "name": "mlp",
            "max_layers": 2,
            "widths": [8, 16],
            "activations": ["relu", "identity"],
        },
        "task": {
            "name": "csv",
            "path": str(tmp_path / "things.csv"),
            "target": ["red", "old"],
            "metric": metric,
        },
        "evaluator": {"name": "train", "recipe": {"epochs": 10}},
        "store": "memory",
    }
    run(RunSpec("random", 8, str(tmp_path / "run"), 0, "NAS-v0", env), keep_network=True)
    with drawing():
        explained = explain(tmp_path / "run", budget=30, store="memory")
    assert explained.report is not None
    page = Path(explained.report).read_text()
    assert "logistic regression for each label" in page
    assert "It is right on every label for" in page
    assert "How well each label is found" in page
    assert ("macro F1" if metric == "macro_f1" else "is right for") in page
    assert "how the data was split" in page
