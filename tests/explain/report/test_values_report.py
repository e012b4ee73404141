"""The report of a task of values: R² in place of accuracy, errors in the units of the data, no classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nas_agents.runs.run import RunSpec, run
from sklearn.metrics import r2_score, root_mean_squared_error
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas_gym.evaluators import TrainEvaluator
from nas_gym.explain import Explanation, Section, explain, read_evidence
from nas_gym.explain.evidence.example_names import example_words
from nas_gym.explain.evidence.network import TrainedNetwork, trained_network
from nas_gym.explain.methods.attribution.score_drop import outputs_of
from nas_gym.explain.report.page import page_of
from nas_gym.explain.sections.network.analysis import measure_use
from nas_gym.explain.sections.network.figures import figures_of
from nas_gym.explain.sections.network.section import numbers_of, tables_of
from nas_gym.explain.sections.network.text import answer_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task
from tests.helpers.explain.drawing import draw_all, undrawn

SPACE = {"name": "mlp", "max_layers": 2, "widths": [8, 16], "activations": ["relu", "identity"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search on a task of one value, explained."""
    place = tmp_path_factory.mktemp("values") / "run"
    env = {
        "search_space": SPACE,
        "task": "diabetes",
        "evaluator": {"name": "train", "recipe": {"epochs": 3}},
        "store": "memory",
    }
    run(RunSpec("q-learning", 16, str(place), 0, "NAS-v0", env), keep_network=True)
    return place


@pytest.fixture(scope="module")
def explanation(folder: Path) -> Explanation:
    with undrawn():  # what is drawn for a page of values is looked at in a browser
        return explain(folder, budget=40, store="memory")


def texts_of(section: Section) -> Iterator[str]:
    """Every text of a section that a reader sees but for names."""
    yield from (section.question, *section.answer, section.trust)
    for table in section.tables:
        yield from (table.caption, *table.columns)
    for figure in section.figures:
        yield from (figure.caption, figure.alternative)


def drawn_texts(section: Section) -> Iterator[str]:
    """The labels of all axes."""
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.report import style

    for figure in section.figures:
        with style.set_style():
            canvas = Canvas(figsize=figure.size, layout="constrained")
            figure.draw(canvas)
            yield from (text for axes in canvas.axes for text in (axes.get_xlabel(), axes.get_ylabel()))


def test_every_section_speaks_of_r2_and_none_of_classes_or_accuracy(explanation: Explanation) -> None:
    assert not any(section.withheld and section.is_applicable for section in explanation.sections)
    for section in explanation.all_sections:
        if not section.is_applicable:
            continue
        draw_all(section)
        text = " ".join([*texts_of(section), *drawn_texts(section)])
        assert not re.search(r"accurac|class|right for|confus|guessing", text), section.key
        # What a policy looks at, that none was learned, and how to use a network is said without a score.
        if section.key not in ("attention", "policy", "usage"):
            assert "R²" in text, section.key
    assert not re.search(r"accurac|class", " ".join(explanation.facts))


def test_the_first_page_says_what_is_predicted_and_what_a_constant_answer_scores(
    folder: Path, explanation: Explanation
) -> None:
    text = " ".join(explanation.summary.answer)
    constant = read_evidence(folder).evaluator.constant_answer()
    assert constant is not None
    assert "To predict progression of diabetes, the agent" in text
    assert f"always answering “{constant.answer}” 0.0%" in text
    told = r"it reaches R² [\d.]+%, the share of the variance that it explains, on 88 test examples"
    assert re.search(told, text)
    assert "output: 1 value" in " ".join(drawing_of(explanation))


def drawing_of(explanation: Explanation) -> list[str]:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=explanation.summary.figures[0].size)
    explanation.summary.figures[0].draw(canvas)
    return [text.get_text() for text in canvas.axes[0].texts]


def test_the_number_to_quote_has_an_interval_for_new_examples_and_is_the_tile(
    explanation: Explanation,
) -> None:
    (told,) = [each for each in explanation.summary.answer if each.startswith("**The number to quote:**")]
    quote = explanation.summary.numbers["quote"]
    assert quote["low"] < quote["estimate"] < quote["high"]
    assert f"(95% interval {100 * quote['low']:.1f} to {100 * quote['high']:.1f}%)" in told
    tiles = {name: (value, note) for name, value, note in page_of(explanation).tiles}
    assert tiles["test R²"][0] == f"{quote['estimate']:.1%}"


def test_the_network_is_explained_by_its_errors_in_the_units_of_the_data(
    folder: Path, explanation: Explanation
) -> None:
    evidence = read_evidence(folder)
    found = trained_network(evidence)
    assert isinstance(found, TrainedNetwork)
    task = found.task
    outputs = outputs_of(found.module, task.x_validation.astype(np.float64))
    mean, scale = task.target.config()["mean"][0], task.target.config()["scale"][0]
    truth, answers = (each[:, 0] * scale + mean for each in (task.y_validation, outputs))
    numbers = explanation["network"].numbers
    (errors,) = numbers["errors"]
    assert numbers["score"] == pytest.approx(max(0.0, r2_score(truth, answers)), abs=1e-6)
    assert errors["network"]["root_mean_square"] == pytest.approx(
        root_mean_squared_error(truth, answers), rel=1e-5
    )
    assert errors["constant"]["root_mean_square"] > errors["network"]["root_mean_square"]
    worst = numbers["largest_errors"][0]
    assert worst["example"] == int(np.abs(answers - truth).argmax())
    assert worst["true"] == pytest.approx(truth[worst["example"]], rel=1e-5)
    text = " ".join([*explanation["network"].answer, *explanation["network"].details])
    assert f"on validation examples is on {example_words(task, worst['example'])}" in text
    assert {figure.name for figure in explanation["network"].figures} >= {"layers", "answers", "errors"}
    assert not {"confusion", "calibration", "classes"} & set(numbers)


def test_what_is_wrong_most_is_described_by_the_features_that_are_used_most(explanation: Explanation) -> None:
    table = next(one for one in explanation["network"].tables if one.name == "largest_errors")
    features = [row[0] for row in next(t for t in explanation["network"].tables if t.name == "features").rows]
    assert list(table.columns)[-4:] == features[:4]


def test_the_files_name_the_metric(folder: Path, explanation: Explanation) -> None:
    values = json.loads((folder / "explanation.json").read_text())
    assert values["format"] == 2
    assert values["metric"] == "r2"
    assert "accuracy" not in json.dumps(values)
    assert "R²" in (folder / "report.html").read_text()
    events = EventAccumulator(str(folder / "explanation"), size_guidance={"tensors": 0}).Reload()
    assert "R² values/all" in events.Tags()["tensors"]
    header = (folder / "explanation" / "projector" / "metadata.tsv").read_text().splitlines()[0]
    assert header.split("\t")[1] == "R²"


def test_two_runs_are_compared_by_r2(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    env = {name: config["env"][name] for name in ("search_space", "task", "evaluator")} | {"store": "memory"}
    run(RunSpec("random", 2, str(tmp_path / "other"), 1, "NAS-v0", env))
    comparison = explain(folder, tmp_path / "other", budget=0, store="memory", write=False)
    assert comparison.metric.name == "r2"
    for section in comparison.all_sections:
        assert not re.search(r"accurac|class", " ".join([*texts_of(section), *drawn_texts(section)]))
    assert "found the better network by the R² that it saw" in comparison["found"].answer[0]


def fitted(x: np.ndarray, y: np.ndarray, space: Any, text: str) -> TrainedNetwork:
    """A network trained on arrays whose target are values."""
    task = Task.from_arrays(x, y, name="planted", target_kind="values", target_names=names_of(y))
    built = make_search_space(space, task.input_shape, task.outputs)
    evaluator = TrainEvaluator(built, task, "cpu", recipe={"epochs": 4})
    module, _ = evaluator.fit(built.parse(text), 0)
    return TrainedNetwork(built.parse(text), module.double(), task, "trained for a test")


def names_of(y: np.ndarray) -> list[str]:
    return ["value"] if y.ndim == 1 else [f"value {letter}" for letter in "abcde"[: y.shape[1]]]


@pytest.mark.parametrize(
    ("shape", "values", "figure"),
    [((1, 12), 1, "signal"), ((1, 12), 5, "signal"), ((1, 5, 5), 1, "images"), ((1, 5, 5), 2, "images")],
)
def test_signals_and_images_with_one_value_and_with_several(
    shape: tuple[int, ...], values: int, figure: str
) -> None:
    pytest.importorskip("captum")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, *shape))
    flat = x.reshape(200, -1)
    y = flat[:, 0] if values == 1 else flat[:, :values]
    use = measure_use(fitted(x, y, {"name": "mlp", "widths": [16]}, "relu-16"), 0)
    section = Section("network", "What?", answer_of(use), figures=figures_of(use), numbers=numbers_of(use))
    draw_all(section)
    json.dumps(section.numbers, allow_nan=False)
    assert section.figures[0].name == figure
    assert len(section.numbers["errors"]) == values
    assert "class" not in " ".join([*texts_of(section), *drawn_texts(section)])
    (errors, worst) = tables_of(use)[-2:]
    assert len(errors.rows) == 2 * values
    assert all(len(row) == len(worst.columns) for row in worst.rows)
    if values > 1:
        assert "The errors of every value are in the table." in use.answers.more_words()


def test_each_value_is_explained_by_the_inputs_that_it_depends_on() -> None:
    pytest.importorskip("captum")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 6))
    y = np.stack([x[:, 1], x[:, 4]], axis=1)
    use = measure_use(fitted(x, y, {"name": "mlp", "widths": [16]}, "identity-16"), 0)
    assert use.inputs is not None
    assert use.inputs.by_output.argmax(axis=1).tolist() == [1, 4]
    assert set(use.ranked_features()[:2]) == {1, 4}
    assert use.check is not None
    assert use.check.confirmed
