"""`nas_agents.compare` gives in Python what the command gives."""

import csv
import json
import sys

import gymnasium as gym
import nas_agents
import pytest
from nas_agents import Comparison
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.report import Setting

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.cli.app import main
from nas_gym.errors import NASGymError
from tests.helpers.comparison_runs import field

AGENTS = ["random", "evolution", "greedy-walk"]
TABLE = "NASTable-MLP-v0"


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    return tmp_path_factory.mktemp("compared")


@pytest.fixture(scope="module")
def found(logdir):
    """A small comparison on a table."""
    return nas_agents.compare(AGENTS, TABLE, seeds=4, budget=6, logdir=logdir, jobs=2)


def test_runs_and_curves_are_data_frames_of_what_the_reports_say(found):
    pytest.importorskip("pandas")
    runs, curves = found.runs, found.curves
    assert len(runs) == 12
    assert set(runs.agent) == set(AGENTS)
    assert (runs.evaluations == 6).all()
    means = runs.groupby("agent").regret.mean()
    ranked = {row.agent: row.regret.value for row in found.analysis.agents}
    assert means.to_dict() == pytest.approx(ranked)
    last = curves[(curves.curve == "regret") & (curves.against == "evaluations")].groupby("agent").last()
    assert last.value.to_dict() == pytest.approx(ranked)
    assert (curves.lower <= curves.value).all()
    assert found.verdict
    assert found.missing == ()


def test_without_pandas_the_records_say_it(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(NASGymError, match=r"pip install 'nas-gym\[frames\]', or call run_records"):
        _ = found.runs
    with pytest.raises(NASGymError, match="call curve_records"):
        _ = found.curves
    assert [record["test"] for record in found.run_records()] == [run.test for run in found.finished]
    ends = {
        record["agent"]: record["value"]
        for record in found.curve_records()
        if (record["curve"], record["against"]) == ("regret", "evaluations")
    }
    assert ends == pytest.approx({row.agent: row.regret.value for row in found.analysis.agents})


def test_csv_files_hold_the_records(found, tmp_path):
    paths = found.to_csv(tmp_path / "numbers")
    assert [path.name for path in paths] == ["runs.csv", "curves.csv", "agents.csv", "pairs.csv"]
    with paths[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["regret"]) for row in rows] == [record["regret"] for record in found.run_records()]
    with paths[2].open(newline="") as file:
        row = next(csv.DictReader(file))
    assert float(row["regret_lower"]) <= float(row["regret"]) <= float(row["regret_upper"])


@pytest.mark.parametrize(
    ("name", "head"), [("curves.pdf", b"%PDF"), ("curves.svg", b"<?xml"), ("curves.png", b"\x89PNG")]
)
def test_a_figure_is_written_in_the_format_of_its_suffix(found, tmp_path, name, head):
    path = found.plot(tmp_path / name)
    assert path.read_bytes().startswith(head)


def test_a_figure_shows_the_chosen_agents_in_their_own_colours(found, tmp_path):
    both = found.plot(tmp_path / "both.svg", agents=["random", "evolution"]).read_text()
    alone = found.plot(tmp_path / "alone.svg", agents=["random"], figure="incumbent_by_seconds").read_text()
    assert "#0072b2" in both  # evolution is the first by name
    assert "#0072b2" not in alone
    assert "#009e73" in both
    assert "#009e73" in alone  # random is the third, whoever else is drawn


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("a.gif", {}, r"\.pdf, \.svg, \.png, not as 'a.gif'"),
        ("a.pdf", {"agents": ["randon"]}, "did you mean 'random'"),
        ("a.pdf", {"agents": []}, "at least one agent"),
        ("a.pdf", {"figure": "regrets"}, "unknown figure 'regrets'"),
    ],
)
def test_what_cannot_be_drawn_is_told(found, tmp_path, path, options, message):
    with pytest.raises(NASGymError, match=message):
        found.plot(tmp_path / path, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_latex_table_has_a_row_for_each_agent_and_escapes_names(found):
    lines = found.to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{rllrrrrrr}"
    assert len(lines) == 1 + 3 + 3 + 2
    assert lines[-1] == r"\end{tabular}"
    runs = tuple(field(("a_b", "100%")))
    setting = Setting("NAS-v0", "mlp", "mnist1d", "accuracy", 8, 6, "", {})
    text = Comparison("folder", setting, analyse(runs), runs).to_latex()
    assert r"a\_b" in text
    assert r"100\%" in text


def test_the_report_is_written_where_it_is_wanted(found, tmp_path):
    path = found.report(tmp_path / "report")
    assert path.read_text() == (found.folder / "comparison.md").read_text()
    assert (
        "nas_agents.compare(agents=['random', 'evolution', 'greedy-walk'], env='NASTable-" in path.read_text()
    )
    assert (tmp_path / "report" / "scores.png").exists()


def test_the_command_finds_these_runs_and_writes_the_same_numbers(found, logdir, monkeypatch, capsys):
    numbers = json.loads((found.folder / "comparison.json").read_text())
    made = {path: path.stat().st_mtime_ns for path in found.folder.rglob("result.json")}
    options = ["--env", TABLE, "--seeds", "4", "--budget", "6", "--logdir", str(logdir)]
    monkeypatch.setattr(sys, "argv", ["nas-gym", "compare", "--agents", ",".join(AGENTS), *options])
    with pytest.raises(SystemExit) as over:
        main()
    assert not over.value.code
    shown = capsys.readouterr().out
    assert all(sentence in shown for sentence in found.verdict)
    assert {path: path.stat().st_mtime_ns for path in found.folder.rglob("result.json")} == made
    again = json.loads((found.folder / "comparison.json").read_text())
    assert again.pop("setting") != numbers.pop("setting")  # the command, which made it
    assert again == numbers


def test_an_environment_may_be_made_by_a_function_with_options(found, tmp_path):
    def wrapped(**options):
        return gym.wrappers.TransformReward(gym.make(TABLE, **options), lambda reward: reward)

    told = []
    other = nas_agents.compare(
        AGENTS[:2], wrapped, 2, 6, logdir=tmp_path, jobs=1, on_progress=told.append, horizon=20
    )
    assert other.setting.environment == TABLE
    mine = {(run["agent"], run["seed"]): run["architecture"] for run in other.run_records()}
    theirs = {(run["agent"], run["seed"]): run["architecture"] for run in found.run_records()}
    assert mine.items() <= theirs.items()
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 24, 24)


def test_a_password_is_in_no_report(tmp_path):
    store = f"sqlite:///{tmp_path}/store.sqlite"
    masked = nas_agents.masked("store='postgresql://ann:secret@host/runs'")
    assert masked == "store='postgresql://ann:***@host/runs'"
    assert nas_agents.masked(store) == store
    masked = nas_agents.masked(
        "--store 'postgresql://host/runs?sslpassword=secret&sslmode=require' --seeds 3"
    )
    assert masked == "--store 'postgresql://host/runs?sslpassword=***&sslmode=require' --seeds 3"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["random"],), {}, "at least 2 agents"),
        ((AGENTS, "NAS-v9"), {}, "unknown environment 'NAS-v9'"),
        ((AGENTS, 3), {}, "an id like 'NAS-v0' or a function"),
        ((AGENTS, lambda: gym.make("CartPole-v1")), {}, "searches no architectures"),
        ((AGENTS, TABLE, 0), {}, "seeds must be at least 1"),
        ((AGENTS, TABLE), {"jobs": 0}, "jobs must be at least 1"),
        ((AGENTS, TABLE), {"horizont": 3}, "did you mean 'horizon'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, arguments, options, message):
    with pytest.raises(NASGymError, match=message):
        nas_agents.compare(*arguments, **options, logdir=tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
