"""A network that explaining found in place of the run's own: what is kept, what is said, when nothing is."""

import json
import re
import shutil
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from nas_gym.evaluators import TrainEvaluator
from nas_gym.explain import NothingToAdoptError, adopt, adoption, explain, read_evidence
from nas_gym.traces import Trace
from tests.helpers.explain.drawing import undrawn
from tests.helpers.explain.runs import recorded

pytestmark = pytest.mark.usefixtures("undrawn")

# Two units cannot tell ten digits apart, so one edit gains much.
SPACE = {"name": "mlp", "max_layers": 2, "widths": [2, 64], "activations": ["relu"]}


def poor_run(folder, task="digits"):
    """A run that saw nothing but the smallest network."""
    evaluator = {"name": "train", "recipe": {"epochs": 3}}
    made = gym.make("NAS-v0", search_space=SPACE, task=task, evaluator=evaluator, store="memory", horizon=2)
    env = Trace(made, folder, agent="stays")
    env.reset(seed=0)
    env.step(0)
    env.close()
    return folder


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = poor_run(tmp_path_factory.mktemp("runs") / "run")
    with undrawn():
        return folder, explain(folder, store="memory")


@pytest.fixture
def run(explained, tmp_path):
    """A copy of the run with its explanation."""
    return Path(shutil.copytree(explained[0], tmp_path / "run"))


def change(run, **numbers):
    """Write something else into what explaining found out about alternatives."""
    file = run / "explanation.json"
    values = json.loads(file.read_text())
    values["sections"]["alternatives"]["numbers"] |= numbers
    file.write_text(json.dumps(values))


def smaller(change_by=-0.002, low=-0.008):
    return {
        "architecture": "relu-2",
        "words": "a network of one layer",
        "parameters": 1,
        "change": change_by,
        "low": low,
        "high": 0.004,
        "seeds": 3,
    }


def test_the_best_network_that_is_shown_to_be_better_is_trained_and_kept(run, explained):
    neighbours = explained[1]["alternatives"].numbers["neighbours"]
    best = max((one for one in neighbours if one["verdict"] == "improves"), key=lambda one: one["change"])
    adopted = adopt(run, store="memory")
    assert (adopted.architecture, adopted.change) == (best["architecture"], best["change"])
    saved = load_network(run / "adopted.pt")
    assert saved.architecture == best["architecture"]
    task = read_evidence(run).problem.task
    right = saved.module(torch.tensor(task.x_test)).argmax(dim=1).numpy() == task.y_test
    assert right.mean() == pytest.approx(adopted.test_score)
    assert adopted.test_low < adopted.test_score < adopted.test_high
    assert adopted.test_examples == len(task.y_test)


def test_what_was_adopted_and_why_is_recorded_and_said_in_one_line(run):
    adopted = adopt(run, store="memory")
    record = json.loads((run / "adopted.json").read_text())
    assert record["format"] == 1
    assert record["architecture"] == adopted.architecture
    assert record["file"] == "adopted.pt"
    assert "shown to be better than the network that the run found" in record["why"]
    text = str(adopted)
    assert "\n" not in text
    assert f"nas_gym.load_network({str(run / 'adopted.pt')!r})" in text
    assert f"test accuracy {adopted.test_score:.1%}" in text


def test_the_test_score_is_asked_once_after_the_choice(run, monkeypatch):
    asked = []

    def watch(name):
        method = getattr(TrainEvaluator, name)

        def watched(self, architecture, seeds):
            asked.append((name, str(architecture), seeds))
            return method(self, architecture, seeds)

        monkeypatch.setattr(TrainEvaluator, name, watched)

    watch("fit"), watch("test")
    adopted = adopt(run, store="memory")
    first = read_evidence(run).evaluator.final_seeds(0)[0]
    assert asked == [("fit", adopted.architecture, first), ("test", adopted.architecture, [first])]
    assert adopted.seed == first


def test_a_run_is_explained_once(run, monkeypatch):
    monkeypatch.setattr(adoption, "explain", lambda *_, **__: pytest.fail("explained again"))
    assert adopt(run, store="memory").what == "better"


@pytest.mark.parametrize("state", ["no explanation", "of another state of the run", "damaged"])
def test_a_run_without_an_explanation_of_what_it_is_now_is_explained_first(run, state):
    file = run / "explanation.json"
    if state == "no explanation":
        file.unlink()
    elif state == "damaged":
        file.write_text("{")
    else:
        values = json.loads(file.read_text())
        values["facts"]["distinct evaluations"] = 0
        file.write_text(json.dumps(values))
    assert adopt(run, store="memory").what == "better"
    assert json.loads(file.read_text())["facts"]["distinct evaluations"] == 1


def test_a_smaller_network_is_adopted_if_it_is_shown_to_lose_less_than_a_point(run):
    change(run, smaller=smaller())
    adopted = adopt(run, "smaller", store="memory")
    assert (adopted.what, adopted.architecture) == ("smaller", "relu-2")
    assert "shown to lose less than one point (-0.2 points, 95% interval -0.8 to +0.4)" in str(adopted)
    change(run, smaller=smaller(low=-0.02))
    with pytest.raises(NothingToAdoptError, match="relu-2 may be as good, which is not shown"):
        adopt(run, "smaller", store="memory")


def test_where_nothing_is_better_nothing_is_written(run):
    worse = {"architecture": "relu-64", "edit": "swap", "verdict": "worse", "change": -0.1}
    change(run, neighbours=[worse], smaller=None)
    with pytest.raises(NothingToAdoptError, match=r"of 1 network one edit away .* none is shown"):
        adopt(run, store="memory")
    with pytest.raises(NothingToAdoptError, match="no smaller network is shown"):
        adopt(run, "smaller", store="memory")
    change(run, neighbours=[])
    with pytest.raises(NothingToAdoptError, match="tried no network one edit away"):
        adopt(run, store="memory")
    assert not list(run.glob("adopted*"))


def test_a_run_that_trained_nothing_names_the_network_and_keeps_none(tmp_path):
    run = recorded(tmp_path / "run", "random", budget=3)
    better = {"architecture": "relu-64", "edit": "swap", "verdict": "improves", "change": 0.1}
    explain(run, store="memory")
    change(run, neighbours=[better | {"low": 0.05, "high": 0.15}])
    with pytest.raises(NothingToAdoptError, match=r"relu-64 is shown to be better .* no weights to keep"):
        adopt(run, store="memory")


def test_a_network_for_values_has_an_interval_too(tmp_path):
    run = poor_run(tmp_path / "run", "diabetes")
    explain(run, store="memory", budget=0)
    better = {"architecture": "relu-64", "edit": "swap width", "verdict": "improves", "change": 0.1}
    change(run, neighbours=[better | {"low": 0.05, "high": 0.15}])
    adopted = adopt(run, store="memory")
    assert adopted.metric == "R²"
    assert np.isfinite([adopted.test_low, adopted.test_high]).all()
    assert adopted.test_low < adopted.test_high


def test_something_else_cannot_be_adopted(run):
    with pytest.raises(NASGymError, match="unknown network to adopt 'bigger'"):
        adopt(run, "bigger", store="memory")


def test_the_first_page_names_the_command_with_the_folder(explained):
    folder, explanation = explained
    assert explanation.summary.answer[0].endswith(f"`nas-gym explain {folder} --adopt` trains and keeps it.")


def command(*arguments):
    return CliRunner().invoke(
        app, ["explain", "--store", "memory", *map(str, arguments)], catch_exceptions=False
    )


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_command_adopts_what_the_report_says(run, order, monkeypatch):
    result = command(*(["--adopt", run] if order == "before" else [run, "--adopt"]))
    assert result.exit_code == 0
    line, *usage = result.stdout.splitlines()
    assert line.startswith("adopted relu-64")
    assert "it is trained on the training examples; load it" in line
    file = run / "adopted.pt"
    assert usage == [f"predict: nas-gym predict {file} FILE", f"export: nas-gym export {file} --to onnx"]
    assert file.exists()


def test_the_report_says_once_what_was_adopted_last_and_so_does_a_later_one(run):
    forms = [run / "report.html", run / "report.md"]
    before = [form.read_text() for form in forms]
    change(run, smaller=smaller())
    adopt(run, "smaller", store="memory")
    adopted = adopt(run, store="memory")
    for form, text in zip(forms, before, strict=True):
        after = form.read_text()
        assert after.count("Which network was adopted?") == 1
        assert after.index("Which network was adopted?") < after.index("What was found")
        assert adopted.commands[0] in after
        told = after[after.index("Which network was adopted?") :]
        first = re.sub(r"<[^>]*>|`", "", told).split("\n", 1)[1].strip().split(". ")[0]
        assert first.startswith("Explaining found this network, not the search, and it is adopted: relu-64")
        assert "adopted.pt" in first
        assert "compared with the network that the run found" in told
        assert "smaller than the network that the run found" not in after[: after.index("What was found")]
        assert len(after) - len(text) < 2000
    explain(run, store="memory", budget=0)
    assert all("Which network was adopted?" in form.read_text() for form in forms)


def test_beside_a_network_that_was_refitted_one_is_adopted_that_is_refitted_too(run):
    evidence = read_evidence(run)
    task, seed = evidence.problem.task, evidence.evaluator.final_seeds(0)[0]
    (run / "network.pt").write_bytes(b"")
    adopted = adopt(run, store="memory")
    saved = load_network(run / "adopted.pt")
    own = evidence.evaluator.refit(evidence.search_space.parse(adopted.architecture), seed)
    assert all(
        torch.equal(one, other)
        for one, other in zip(saved.module.parameters(), own.parameters(), strict=True)
    )
    right = saved.module(torch.tensor(task.x_test)).argmax(dim=1).numpy() == task.y_test
    assert right.mean() == pytest.approx(adopted.test_score)
    assert saved.about["trained_on"] == adopted.trained_on == "all but the test examples"
    assert "it is trained on all but the test examples, as network.pt of the run" in str(adopted)


def test_the_command_explains_first_where_there_is_no_explanation(run, tmp_path):
    (run / "explanation.json").unlink()
    result = command(run, "--adopt", "better", "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert f"report: {tmp_path / 'out' / 'report.html'}" in result.stdout
    assert {"adopted.pt", "adopted.json"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert not (run / "adopted.pt").exists()


def test_the_command_says_in_a_sentence_that_there_is_nothing(run):
    change(run, smaller=None)
    result = command(run, "--adopt", "smaller")
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("nas-gym: nothing to adopt: no smaller network")


def test_what_the_command_cannot_adopt_is_refused(run):
    for arguments, sentence in (
        ([run, "--adopt", "bigger"], "--adopt takes better or smaller, not 'bigger'"),
        ([run, run, "--adopt"], "--adopt is of one run"),
        ([run, "--adopt", "--every", "3"], "--adopt is of a run that is explained once"),
    ):
        result = command(*arguments)
        assert (result.exit_code, sentence in result.stderr) == (2, True)
