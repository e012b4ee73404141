"""All runs of a folder explained together: what they know jointly, and how their agents differ."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nas_agents.agent import Agent, Session
from nas_agents.runs.run import RunSpec, run
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.explain import explain
from nas_gym.explain.evidence.together import read_together
from nas_gym.explain.fact import Verdict
from nas_gym.explain.sections.together.differences import differences
from tests.helpers.explain.drawing import undrawn
from tests.helpers.explain.runs import SPACE, environment, recorded, walked
from tests.helpers.explain.section_checks import of_sections_together

RUNS, BUDGET = 4, 24


def planted(architecture: Any) -> float:
    """The activation of layer 1 matters most, the width of layer 2 half as much, nothing else at all."""
    layers = architecture.layers
    score = 0.5 + (0.06 if layers[0][1] == "relu" else -0.06)
    if len(layers) > 1:
        score += 0.03 if layers[1][0] == 64 else -0.03
    return score


def reversed_test(architecture: Any) -> float:
    """The better a network is on validation examples, the worse it is here."""
    return 1.0 - planted(architecture)


def flat(architecture: Any) -> float:
    """Nothing matters: all that differs is noise."""
    return 0.5


@dataclass(kw_only=True)
class OnlyRelu(Agent):
    """An agent that never looks at a first layer with tanh."""

    name = "only-relu"
    access = "query"

    def run(self, session: Session) -> None:
        while True:
            drawn = session.search_space.sample(session.rng)
            if drawn.layers[0][1] == "relu":
                session.ask([drawn])


def made(
    folder: Path, agent: Any, seed: int, function: str = "planted", trace: bool = False, **evaluator: Any
) -> Path:
    """A finished run on a function of this module."""
    options = environment() | {
        "evaluator": {"name": "function", "function": f"{__name__}:{function}", "noise": 0.01} | evaluator
    }
    run(RunSpec(agent, BUDGET, str(folder / f"seed{seed}"), seed, "NAS-v0", options, trace=trace))
    return folder / f"seed{seed}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of an agent that looks everywhere, one that walks, and one that leaves a part out."""
    place = tmp_path_factory.mktemp("planted")
    for seed in range(RUNS):
        made(place / "random", "random", seed)
        made(place / "q-learning", "q-learning", seed, trace=True)
        made(place / "only-relu", f"{__name__}:OnlyRelu", seed)
    return place


@pytest.fixture(scope="module")
def explained(folder):
    with undrawn():
        return explain(folder, store="memory")


def test_the_choices_that_matter_are_the_planted_ones_in_the_planted_order(explained):
    assert explained.summary.numbers["choices"] == ["layer 1 activation", "layer 2 width"]
    first, second, *others = explained["choices"].numbers["choices"]
    assert (first["best"], first["worst"]) == ("relu", "tanh")
    assert first["gap"] == pytest.approx(0.12, abs=0.02)
    assert second["gap"] == pytest.approx(0.06, abs=0.02)
    assert not any(one["shown"] for one in others)
    (sentence,) = [text for text in explained.summary.answer if text.startswith("**Which choices matter.**")]
    assert "(1) layer 1 activation: relu is best and tanh worst" in sentence
    assert "(2) layer 2 width: 64 is best and 16 worst" in sentence


def test_no_two_statements_contradict_each_other(explained):
    sections = [explained.summary, *explained.sections]
    assert list(of_sections_together(sections)) == []
    lies = [text.replace("2 choices are shown", "3 choices are shown") for text in explained.summary.answer]
    wrong = replace(explained.summary, answer=tuple(lies))
    assert list(of_sections_together([wrong, *explained.sections]))
    facts = tuple(replace(fact, verdict=Verdict.SHOWN) for fact in explained["choices"].facts)
    wrong = [replace(one, facts=facts) if one.key == "choices" else one for one in sections]
    assert list(of_sections_together(wrong))


def test_every_architecture_counts_once_however_many_runs_asked_for_it(folder, explained):
    together = read_together(folder)
    distinct = {text for one in together.runs for text in one.architectures}
    assert explained["choices"].numbers["evaluations"] == len(distinct) < together.evaluations
    assert f"{together.evaluations:,} evaluations" in explained.summary.answer[0]
    assert f"By {len(distinct)} different networks of {3 * RUNS} runs" in " ".join(explained.summary.answer)


def test_what_no_single_run_shows_is_said_to_be_shown_by_all_together(folder, explained):
    found = {one["name"]: one["shown_by_runs_alone"] for one in explained["choices"].numbers["choices"]}
    said = " ".join(explained["choices"].answer)
    for name in explained.summary.numbers["choices"]:
        alone = f"shows {name} by itself; only all together do" in said
        assert alone == (found[name] == 0)


def test_an_agent_that_leaves_a_part_out_is_said_to_miss_it_and_no_other_is(explained):
    agents = explained["agents"].numbers["agents"]
    assert agents["only-relu"]["missed"] == ["layer 1 activation tanh"]
    assert not agents["random"]["missed"]
    assert not agents["q-learning"]["missed"]
    said = " ".join(explained.summary.answer)
    assert f"never tried layer 1 activation tanh in {RUNS * BUDGET} evaluations of {RUNS} runs" in said


def test_the_best_network_has_what_matters_and_the_best_share_it(explained):
    best = explained.summary.numbers["architecture"]
    assert best.startswith("relu-")
    assert "-64" in best.split(" > ")[1]
    shared = explained["kinds"].numbers["shared"]
    assert shared == {"layer 1 activation": "relu", "layer 2 width": "64"}
    assert (
        "depth" in explained["kinds"].numbers["open"] or "layer 1 width" in explained["kinds"].numbers["open"]
    )
    assert len(explained["kinds"].numbers["kinds"]) == 1


def test_the_best_is_not_chosen_by_test_scores(tmp_path):
    test = f"{__name__}:reversed_test"
    for seed in range(2):
        made(tmp_path, "random", seed, test=test)
    explanation = explain(tmp_path, store="memory", write=False)
    best = explanation.summary.numbers["architecture"]
    assert best.startswith("relu-")
    assert explanation.summary.numbers["quote"]["estimate"] < 0.5


def test_of_noise_nothing_is_said_to_matter_and_no_agent_to_be_better(tmp_path):
    for seed in range(RUNS):
        made(tmp_path / "random", "random", seed, "flat", noise=0.02)
        made(tmp_path / "q-learning", "q-learning", seed, "flat", noise=0.02)
    explanation = explain(tmp_path, store="memory", write=False)
    assert explanation.summary.numbers["choices"] == []
    assert "none is shown to matter" in " ".join(explanation["choices"].answer)
    assert explanation["kinds"].withheld
    assert "beyond chance" not in " ".join(explanation["best"].answer)


def test_verdicts_are_those_of_the_facts(explained):
    choices = {fact.key: fact for fact in explained["choices"].facts}
    for one in explained["choices"].numbers["choices"]:
        assert one["shown"] == choices[f"importance of {one['name']}"].is_shown
    for fact in explained["agents"].facts:
        if "over the others" in fact.key and fact.is_shown:
            assert fact.low > 0 or fact.high < 0


def test_runs_without_a_trace_and_runs_with_one_say_the_same(tmp_path):
    bare, traced = (made(tmp_path / name, "random", 0, trace=name == "traced") for name in ("bare", "traced"))
    made(tmp_path / "bare", "random", 1)
    made(tmp_path / "traced", "random", 1, trace=True)
    assert not (bare / "trace.jsonl").exists()
    (traced / "result.json").unlink()
    one, other = (read_together(path.parent).runs[0] for path in (bare, traced))
    assert [(str(a.architecture), a.score) for a in one.seen] == [
        (str(a.architecture), a.score) for a in other.seen
    ]
    assert one.chosen == other.chosen


def test_unfinished_runs_count_and_are_named(tmp_path):
    recorded(tmp_path / "a" / "seed0", "random", budget=30)
    walked(tmp_path / "b" / "seed0", 12, finished=False)
    explanation = explain(tmp_path, store="memory", write=False)
    assert explanation.summary.numbers["runs"] == 2
    assert explanation.summary.numbers["unfinished"] == [str(tmp_path / "b" / "seed0")]
    assert f"what the rest of {tmp_path / 'b' / 'seed0'} would find" in explanation.summary.answer[-1]


def test_the_report_is_written_into_the_folder_and_printed(folder):
    result = CliRunner().invoke(app, ["explain", "--store", "memory", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"report: {folder / 'comparison-explained.html'}" in result.stdout
    assert "Which choices matter. By" in result.stdout
    values = json.loads((folder / "comparison-explained.json").read_text())
    assert list(values["sections"]) == ["summary", "best", "choices", "kinds", "agents"]
    assert all(values["sections"][key]["facts"] for key in ("summary", "best", "choices", "agents"))
    assert "comparison-explained.json" in (folder / "comparison-explained.md").read_text()
    for line in result.stdout.splitlines():
        assert "nan" not in line.split()


def test_two_folders_of_runs_stay_a_comparison_of_two_policies(folder):
    runs = [folder / "q-learning" / f"seed{seed}" for seed in range(2)]
    explanation = explain(*runs, store="memory", write=False)
    assert "policies" in {section.key for section in explanation.sections}
    with pytest.raises(NASGymError, match="pass that folder alone to explain all of them together"):
        explain(folder, runs[0], store="memory")


@pytest.mark.usefixtures("undrawn")
def test_a_folder_with_one_run_explains_that_run(tmp_path):
    place = recorded(tmp_path / "random" / "seed0", "random", budget=20)
    explanation = explain(tmp_path, store="memory", budget=0)
    assert explanation.run == str(place)
    assert explanation.report == place / "report.html"


def test_an_empty_folder_and_damaged_results_are_one_sentence_each(tmp_path, folder):
    with pytest.raises(NASGymError, match="holds no run"):
        explain(tmp_path, store="memory")
    for name, damage in (("cut", "{"), ("strange", json.dumps({"format": 2, "evaluations": [{"score": 1}]}))):
        shutil.copytree(folder / "random", tmp_path / name)
        (tmp_path / name / "seed1" / "result.json").write_text(damage)
        with pytest.raises(NASGymError, match=r"seed1.result\.json") as refused:
            explain(tmp_path / name, store="memory")
        assert "\n" not in str(refused.value)


def test_runs_of_different_problems_are_told_apart_with_their_folders(tmp_path):
    walked(tmp_path / "one" / "seed0", 4)
    walked(tmp_path / "one" / "seed1", 4)
    walked(tmp_path / "two" / "seed0", 4, search_space=SPACE | {"widths": [16]})
    with pytest.raises(NASGymError, match="cannot be explained together") as refused:
        explain(tmp_path, store="memory")
    assert f"(in {tmp_path / 'one'})" in str(refused.value)
    assert f"(in {tmp_path / 'two'})" in str(refused.value)


def test_another_way_of_evaluating_is_named(tmp_path):
    made(tmp_path / "quiet", "random", 0)
    made(tmp_path / "loud", "random", 0, noise=0.05)
    with pytest.raises(NASGymError, match=r"evaluator\.noise 0\.05"):
        explain(tmp_path, store="memory")


def shares(rng, agents: int, runs: int) -> tuple[np.ndarray, list[int]]:
    """Shares of options in runs that are all alike."""
    drawn = rng.dirichlet([2.0, 2.0, 4.0], size=(agents * runs, 3)).reshape(agents * runs, -1)
    return drawn, [number // runs for number in range(agents * runs)]


def test_agents_that_are_the_same_are_rarely_told_apart():
    rng = np.random.default_rng(0)
    told = 0
    for seed in range(60):
        found = differences(*shares(rng, 3, 6), seed, permutations=199)
        told += bool(((found.low > 0) | (found.high < 0)).any())
    assert told <= 7  # more than that of 60 have a chance of 1% where 5% are allowed


def test_an_agent_that_differs_is_told_apart_and_its_difference_is_in_the_interval():
    rng = np.random.default_rng(1)
    measures, labels = shares(rng, 3, 8)
    measures[:8, 0] += 0.4
    found = differences(measures, labels)
    assert found.low[0, 0] > 0
    assert found.low[0, 0] < 0.4 < found.high[0, 0]


def test_of_too_few_runs_no_difference_is_shown():
    measures, labels = shares(np.random.default_rng(2), 2, 3)
    measures[:3] += 10.0
    found = differences(measures, labels)
    assert not found.can_show
    assert np.isnan(found.low).all()
