"""However many runs a comparison has, what TensorBoard is given stays small, and single runs are a choice."""

import os
from dataclasses import replace
from pathlib import Path

import nas_agents
import numpy as np
import pytest
from nas_agents.comparison.aggregate import SPREAD_TAGS, write_aggregate
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.plan import SINGLE_RUNS, Plan, prepare
from nas_agents.comparison.publish import publish
from nas_agents.runs.run import run
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import ConfigError
from tests.agents.comparison.test_comparison_report import SETTING
from tests.helpers.comparison_runs import field, on_a_table

TABLE = "NASTable-MLP-v0"


def read(folder):
    events = EventAccumulator(str(folder), size_guidance=dict.fromkeys(("scalars", "tensors", "images"), 0))
    events.Reload()
    return events


def event_files(folder):
    return list(Path(folder).rglob("events.out.tfevents.*"))


def test_an_agent_is_shown_by_mean_median_and_quartiles_of_its_runs(tmp_path):
    runs = field(seeds=7)
    write_aggregate(analyse(runs), tmp_path, runs)
    incumbents = np.array([run.incumbents for run in runs if run.agent == "tpe"])
    expected = [incumbents.mean(0), *np.quantile(incumbents, (0.5, 0.25, 0.75), axis=0)]
    events = read(tmp_path / "tpe")
    for tag, values in zip(SPREAD_TAGS, expected, strict=True):
        assert [each.value for each in events.Scalars(tag)] == pytest.approx(values, abs=1e-6), tag


def written(runs, folder, figures=()):
    write_aggregate(analyse(runs), folder, runs, SETTING, figures)
    (text,) = read(folder).Tensors("0_comparison/text_summary")
    return make_ndarray(text.tensor_proto)[0].decode(), read(folder).Tags()["images"]


def test_the_table_and_the_figures_stand_beside_the_agents_without_test_scores(tmp_path):
    figures = [tmp_path / f"{name}.png" for name in ("incumbent_by_evaluations", "scores", "improvement")]
    for figure in figures:
        Image.new("RGB", (2000, 1000), "white").save(figure)
    runs = [replace(run, test=0.12345) for run in field()]
    text, images = written(runs, tmp_path / "trained", figures)
    assert images == ["comparison/incumbent_by_evaluations"]
    assert "0.123" not in text
    assert "| tpe (walk) | 6 |" in text
    assert "it failed" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("| ")}) == 1
    text, images = written(on_a_table(), tmp_path / "table", figures)
    assert set(images) == {f"comparison/{figure.stem}" for figure in figures}
    assert "mean regret" in text
    (image,) = read(tmp_path / "table").Images("comparison/scores")
    assert image.width <= 1400


def test_more_seeds_make_neither_more_files_nor_larger_ones(tmp_path):
    sizes = []
    for seeds in (6, 40):
        runs = field(("a", "b"), seeds=seeds)
        open_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        write_aggregate(analyse(runs), tmp_path / str(seeds), runs, SETTING)
        assert not open_files or len(os.listdir("/proc/self/fd")) == open_files
        files = event_files(tmp_path / str(seeds))
        assert len(files) == 3
        sizes.append(sum(path.stat().st_size for path in files))
    assert sizes[1] < 1.02 * sizes[0]


def test_single_runs_are_shown_by_default_while_they_are_few(tmp_path):
    agents = ["random", "random-walk"]
    few = Plan(agents, SINGLE_RUNS // 2, 5, env_id=TABLE, logdir=str(tmp_path), trace=True)
    many = replace(few, seeds=SINGLE_RUNS // 2 + 1)
    asked = replace(many, tensorboard="all", trace=None)
    for plan, shown in ((few, True), (many, False), (asked, True), (replace(few, tensorboard="none"), False)):
        specs = prepare(plan)[0].specs
        assert {(spec.trace, spec.tensorboard) for spec in specs} == {(True, shown)}
    assert not any(spec.trace for spec in prepare(replace(few, trace=None))[0].specs)
    with pytest.raises(ConfigError, match=r"^unknown tensorboard 'each': known: "):
        prepare(replace(few, tensorboard="each"))
    with pytest.raises(ConfigError, match="leave trace=False out"):
        prepare(replace(few, tensorboard="all", trace=False))


@pytest.mark.parametrize(
    ("options", "singles", "aggregates", "traces"),
    [
        ({"tensorboard": "all"}, 8, 3, 4),  # two files a run
        ({"tensorboard": "aggregate", "trace": True}, 0, 3, 4),
        ({"tensorboard": "none"}, 0, 0, 0),
    ],
)
def test_what_is_asked_for_is_written_and_nothing_else(
    options, singles, aggregates, traces, tmp_path, monkeypatch
):
    monkeypatch.setattr("nas_agents.comparison.outcome.plot_comparison", lambda *_: ())
    plan = Plan(["random", "random-walk"], 2, 5, env_id=TABLE, logdir=str(tmp_path), **options)
    (experiment,) = prepare(plan)
    for spec in experiment.specs:
        run(spec)
    publish(plan, experiment, [], "")
    files = event_files(experiment.folder)
    assert sum("aggregate" in path.parts for path in files) == aggregates
    assert sum("aggregate" not in path.parts for path in files) == singles
    assert len(list(experiment.folder.rglob("trace.jsonl"))) == traces
    # An earlier view would contradict the report, so that it goes where none is asked for.
    publish(replace(plan, tensorboard="none"), experiment, [], "")
    assert not (experiment.folder / "aggregate").exists()


@pytest.mark.parametrize(
    ("options", "most", "shown", "words"),
    [
        ([], 200, None, ["open TensorBoard: tensorboard --logdir"]),
        (
            [],
            3,
            None,
            ["open TensorBoard", "each agent as a whole, since 4 runs would hide it: --tensorboard all"],
        ),
        (["--tensorboard", "all"], 3, "all", ["open TensorBoard"]),
        (["--tensorboard", "none"], 3, "none", []),
    ],
)
def test_the_command_says_what_tensorboard_shows(options, most, shown, words, tmp_path, monkeypatch):
    plans = []
    monkeypatch.setattr(nas_agents, "compare_tasks", lambda plan, *_: (plans.append(plan), ((), None))[1])
    monkeypatch.setattr("nas_agents.comparison.plan.SINGLE_RUNS", most)
    command = ["compare", "--agents", "random,random-walk", "--env", TABLE, "--seeds", "2"]
    done = CliRunner().invoke(app, [*command, "--logdir", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    assert plans[0].tensorboard == shown
    assert all(each in done.output for each in words)
    assert bool(done.output) == bool(words)
