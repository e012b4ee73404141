"""What a comparison writes: Markdown, JSON, figures, TensorBoard runs."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from nas_agents.comparison.across import across_markdown, compare_across
from nas_agents.comparison.aggregate import REGRET_TAGS, TAGS, TIMED_REGRET_TAGS, write_aggregate
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.outcome import Comparison
from nas_agents.comparison.plots import plot_across, plot_comparison
from nas_agents.comparison.report import Setting, markdown, write_json
from rich.console import Console

from nas_gym.cli.commands.compare import terminal_table
from tests.helpers.comparison_runs import field, on_a_table
from tests.helpers.serving import tensorboard

SETTING = Setting(
    environment="NAS-v0",
    space="mlp",
    task="mnist1d",
    metric="accuracy",
    budget=8,
    seeds=6,
    command="nas-gym compare --agents a,b",
    versions={"torch": "2.13"},
    missing=("it failed",),
)


@pytest.fixture(scope="module")
def comparison():
    return analyse(field(("a|b", "tpe", "local-search")))


def test_the_markdown_report_says_what_was_compared_and_found(comparison, tmp_path):
    text = markdown(comparison, SETTING, [tmp_path / "scores.png"])
    rows = [line for line in text.splitlines() if line.startswith("| 1 | local-search | walk |")]
    best = comparison.agents[0]
    assert f"{best.test.value:.3f} [{best.test.lower:.3f}, {best.test.upper:.3f}]" in rows[0]
    assert "best seen (optimistic)" in text
    assert "| a\\|b |" in text
    assert "> **Missing:** it failed" in text
    assert "nas-gym compare --agents a,b" in text
    assert "torch 2.13" in text
    assert "![scores](scores.png)" in text
    assert all(sentence in text for sentence in comparison.verdict)


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(comparison):
    tables = [block for block in markdown(comparison, SETTING, []).split("\n\n") if block.startswith("| ")]
    assert len(tables) == 3
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_the_terminal_table_fits_80_columns_with_nothing_cut():
    comparison = analyse(field(("q-learning-alpha=0.2", "tpe", "local-search")))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal_table(Comparison(Path(), SETTING, comparison, ())))
    text = console.export_text()
    assert "…" not in text
    assert "test accuracy [95%]" in text
    assert "3  q-learning" in text


def test_the_json_holds_the_setting_the_ranking_the_tests_and_the_curves(comparison, tmp_path):
    write_json(comparison.as_dict(), SETTING, tmp_path / "comparison.json")
    values = json.loads((tmp_path / "comparison.json").read_text())
    assert values["setting"]["budget"] == 8
    assert [row["agent"] for row in values["agents"]] == ["local-search", "tpe", "a|b"]
    assert len(values["pairs"]) == 3
    assert values["incumbent_by_evaluations"]["tpe"]["x"] == list(range(1, 9))
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.json"]


def test_every_figure_is_drawn_and_no_global_style_is_changed(comparison, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures = plot_comparison(comparison, tmp_path, "NAS-v0, mlp on mnist1d")
    assert dict(matplotlib.rcParams) == before
    assert {figure.name for figure in figures} == {
        "incumbent_by_evaluations.png",
        "incumbent_by_seconds.png",
        "scores.png",
        "improvement.png",
    }
    for figure in figures:
        assert np.ptp(imread(figure)) > 0.5


def test_many_agents_and_one_run_each_can_be_drawn(tmp_path):
    runs = field([f"agent-{number}" for number in range(9)], seeds=1)
    assert len(plot_comparison(analyse(runs), tmp_path, "somewhere")) == 4


def test_the_report_over_tasks_ranks_and_explains(tmp_path):
    across = compare_across({f"task-{number}": field(rng_seed=number) for number in range(7)})
    text = across_markdown(across, SETTING, plot_across(across, tmp_path, "everywhere"))
    assert "on 7 tasks" in text
    assert "| 1 | tpe | walk |" in text
    assert "0.016" in text
    assert (tmp_path / "improvement.png").exists()


def test_tensorboard_serves_the_aggregate_runs_with_margin_charts(comparison, tmp_path):
    write_aggregate(comparison, tmp_path)
    write_aggregate(comparison, tmp_path)
    with tensorboard(tmp_path) as server:
        assert set(server.get("runs")) == {"a|b", "local-search", "tpe"}
        charts = server.get("plugin/custom_scalars/layout")["category"]
        margin = charts[0]["chart"][0]["margin"]["series"][0]
        assert [margin["value"], margin["lower"], margin["upper"]] == list(TAGS)
        curve = comparison.evaluation_curves["tpe"]
        for tag, expected in zip(TAGS, (curve.value, curve.lower, curve.upper), strict=True):
            points = server.get("plugin/scalars/scalars", run="tpe", tag=tag)
            assert [step for _, step, _ in points] == curve.x.tolist()
            assert [value for _, _, value in points] == pytest.approx(expected, abs=1e-6)


def test_no_test_score_reaches_tensorboard(comparison, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_aggregate(comparison, tmp_path)
    scores = {np.float32(score) for values in comparison.tests.values() for score in values}
    for agent in comparison.scores:
        events = EventAccumulator(str(tmp_path / agent))
        events.Reload()
        shown = {np.float32(each.value) for tag in events.Tags()["scalars"] for each in events.Scalars(tag)}
        assert shown
        assert not shown & scores


def test_the_report_on_a_table_ranks_by_regret_and_says_when_the_optimum_was_found(tmp_path):
    comparison = analyse(on_a_table(("random", "tpe")))
    text = markdown(comparison, SETTING, [])
    row = next(line for line in text.splitlines() if line.startswith("| 1 | random | walk |"))
    assert "| mean regret | at the optimum | evaluations to the optimum |" in text
    assert "| 0.00000 [-] | 100% [61%, 100%] | 8 |" in row
    assert "**Regret** is how far" in text
    assert "retrained" not in text
    for table in [block for block in text.split("\n\n") if block.startswith("| ")]:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal_table(Comparison(Path(), SETTING, comparison, ())))
    assert "…" not in console.export_text()
    write_json(comparison.as_dict(), SETTING, tmp_path / "comparison.json")
    values = json.loads((tmp_path / "comparison.json").read_text())
    assert values["metric"] == "validation accuracy at full fidelity"
    assert values["regret_by_evaluations"]["tpe"]["value"][-1] == 0


def test_regret_has_figures_though_every_run_be_at_the_optimum(tmp_path):
    runs = on_a_table()
    flat = [replace(run, regrets=np.zeros(8), validation=0.9) for run in runs]
    for group in (runs, flat):
        names = {figure.name for figure in plot_comparison(analyse(group), tmp_path, "a table")}
        assert {"regret_by_evaluations.png", "regret_by_seconds.png"} < names


def test_regret_reaches_tensorboard_by_evaluations_and_by_milliseconds(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    comparison = analyse(on_a_table())
    write_aggregate(comparison, tmp_path)
    events = EventAccumulator(str(tmp_path / "tpe"))
    events.Reload()
    for tags, curve in (
        (REGRET_TAGS, comparison.evaluation_regrets["tpe"]),
        (TIMED_REGRET_TAGS, comparison.second_regrets["tpe"]),
    ):
        shown = [[each.value for each in events.Scalars(tag)] for tag in tags]
        for values, expected in zip(shown, (curve.value, curve.lower, curve.upper), strict=True):
            assert values == pytest.approx(expected, abs=1e-6)
    last = events.Scalars(TIMED_REGRET_TAGS[0])[-1].step
    assert last == round(1000 * comparison.second_regrets["tpe"].x[-1])
