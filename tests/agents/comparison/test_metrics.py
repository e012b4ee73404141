"""What a score is called comes from the runs, and runs of different metrics are never put together."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from nas_agents.comparison.across import across_markdown, compare_across
from nas_agents.comparison.aggregate import write_aggregate
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.outcome import Comparison
from nas_agents.comparison.plots import curves, scores
from nas_agents.comparison.records import Run
from nas_agents.comparison.report import Setting, markdown
from rich.console import Console

from nas_gym.cli.commands.compare import show_comparison
from nas_gym.errors import NASGymError
from tests.helpers.comparison_runs import field, on_a_table

SETTING = Setting("NAS-v0", "mlp", "diabetes", "R²", 8, 6, "nas-gym compare", {})


def of_values(runs):
    return [replace(run, metric="R²") for run in runs]


def in_words(runs, **others):
    """All that is said of a comparison: its report, the terminal, the LaTeX table."""
    setting, runs = replace(SETTING, **others), tuple(runs)
    found = Comparison(Path(), setting, analyse(runs, selects_on_test=setting.selects_on_test), runs)
    console = Console(width=120, record=True, file=io.StringIO())
    show_comparison(found, console, console, by_access=False)
    return markdown(found.analysis, setting, []) + console.export_text() + found.to_latex()


def test_a_comparison_on_values_says_r2_wherever_one_on_classes_says_accuracy():
    guessing = [replace(run, chance=0.55, errors=("diverged",)) for run in field()]
    text = in_words(of_values(guessing))
    assert "by the test R² of the network" in text
    assert "test R² [95%]" in text
    assert "test R$^2$" in text
    assert "fresh validation R² (optimistic)" in text
    assert "the R² of the best constant answer" in text
    assert "each counts as R² 0." in text
    assert "accura" not in text
    of_classes = markdown(analyse(guessing), replace(SETTING, metric="accuracy"), [])
    assert markdown(analyse(of_values(guessing)), SETTING, []).replace("R²", "accuracy") == of_classes


@pytest.mark.parametrize("selects_on_test", [False, True])
def test_a_comparison_on_a_table_of_values_says_r2(selects_on_test):
    text = in_words(of_values(on_a_table()), selects_on_test=selects_on_test)
    assert f"{'test' if selects_on_test else 'validation'} R² at full fidelity" in text
    assert ("every R² and every regret here is optimistic" in text) == selects_on_test
    assert "accura" not in text


def test_figures_and_tensorboard_are_titled_by_the_metric(tmp_path):
    comparison = analyse(of_values(field()))
    (axes,) = curves(comparison, ["random", "tpe"], "evaluations", "here").axes
    assert axes.get_title() == "Best R² so far, here"
    assert axes.get_ylabel() == "validation R² as seen (optimistic)"
    assert scores(comparison, ["random", "tpe"], "here").get_supxlabel().startswith("test R² (dots: runs")
    write_aggregate(comparison, tmp_path)
    events = b"".join(path.read_bytes() for path in tmp_path.rglob("events*"))
    assert "best R² so far, as seen (optimistic)".encode() in events


def test_records_name_the_metric_of_each_run():
    runs = tuple(of_values(field()))
    found = Comparison(Path(), SETTING, analyse(runs), runs)
    assert {record["metric"] for record in found.run_records()} == {"R²"}
    assert found.analysis.as_dict()["metric"] == "test R²"


def test_a_report_over_tasks_of_values_says_r2():
    tasks = {f"task-{number}": of_values(field(rng_seed=number)) for number in range(2)}
    across = compare_across(tasks)
    text = across_markdown(across, SETTING, [])
    assert "(R² - guessing) / (1 - guessing)" in text
    assert "accura" not in text
    assert across.as_dict()["metric"] == "R²"


def test_runs_of_different_metrics_are_never_put_together():
    mixed = [*field(("a", "b")), *of_values(field(("c", "d")))]
    with pytest.raises(NASGymError, match="scored by accuracy and by R² cannot be put together"):
        analyse(mixed)
    with pytest.raises(NASGymError, match="compare those of one metric"):
        compare_across({"digits": field(), "diabetes": of_values(field())})


def test_guessing_of_values_is_what_the_best_constant_answer_scores():
    result = {
        "label": "tpe",
        "access": "query",
        "seed": 3,
        "architecture": "relu-64",
        "metric_label": "R²",
        "test_score": 0.4,
        "validation_score": 0.45,
        "evaluations": [{"score": 0.5, "seconds": 2.0, "status": "ok", "fidelity": None}],
        "stopped": "budget",
        "classes": None,
        "constant_answer": {"answer": "152.1", "validation": 0.01, "test": 0.02},
    }
    run = Run.from_result(result)
    assert (run.metric, run.chance) == ("R²", 0.02)
    assert Run.from_result(result | {"constant_answer": None}).chance == 0.0
