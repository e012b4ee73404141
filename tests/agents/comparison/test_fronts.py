"""Comparisons of several objectives: fronts and their hypervolume, on small tables."""

import io
import json
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from nas_agents import AGENTS, make_agent
from nas_agents.comparison.across import across_markdown, compare_across
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.fronts.plots import Surfaces, planes
from nas_agents.comparison.fronts.quality import with_fronts
from nas_agents.comparison.fronts.report import front_ranking, ranked_by
from nas_agents.comparison.fronts.summary import summarise_fronts
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.comparison.plots import plot_figure
from nas_agents.comparison.publish import publish
from nas_agents.comparison.ranking import Analysis
from nas_agents.comparison.records import Run
from nas_agents.comparison.significance import holm, permutation_test
from nas_agents.runs.run import make_env, run
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas_gym.cli.commands.compare import show_comparison
from nas_gym.errors import NASGymError
from nas_gym.tables.catalogue import FOLDER
from tests.agents.comparison.test_comparison_report import SETTING
from tests.helpers.data.tables import fake_table, shelve

ENV = "NASMultiObjective-v0"
TABLE = {"name": "table", "benchmark": "mlp"}
THREE = ["score", "parameters", "flops"]
REFUSED = [name for name in AGENTS if make_agent(name).under_objectives == "refused"]
SEARCHING = [name for name in AGENTS if name not in REFUSED]


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    """84 architectures with 3 seeds at 1, 3 and 9 epochs, in place of the table that is shipped."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "tables"))
    return shelve(fake_table(benchmark="mlp"))


def plan(tmp_path, agents=("random", "evolution"), seeds=3, budget=20, **others):
    values = {"env_id": ENV, "env": {"evaluator": TABLE}, "logdir": str(tmp_path / "logs")}
    return Plan(list(agents), seeds, budget, **(values | others))


@dataclass
class Made:
    """A comparison without its report: the folder, the runs with their fronts, and the analysis."""

    folder: Path
    finished: tuple[Run, ...]
    analysis: Analysis

    def runs(self, agent):
        """Runs of an agent with the evaluations of each."""
        own = [one for one in self.finished if one.agent == agent]
        files = [self.folder / agent / f"seed{one.seed}" / "result.json" for one in own]
        return [
            (one, json.loads(file.read_text())["evaluations"]) for one, file in zip(own, files, strict=True)
        ]


def measured(made, task=0):
    """One comparison of a plan, its runs made in this process."""
    experiment = prepare(made)[task]
    runs = tuple(Run.from_result(run(spec)) for spec in experiment.specs)
    runs, yardstick = with_fronts(runs, experiment.specs)
    fronts = summarise_fronts(runs, yardstick, experiment.goes_by)
    return Made(experiment.folder, runs, analyse(runs, fronts=fronts))


def true_gains(table, costs, evaluations=None):
    """Gains by the table's arrays alone: the mean score over seeds, and each cost over its highest."""
    rows = range(table.search_space.size)
    if evaluations is not None:
        space = table.search_space
        rows = [space.index(space.parse(each["architecture"])) for each in evaluations]
    columns = [getattr(table, cost) / getattr(table, cost).max() for cost in costs]
    every = np.stack([table.validation[-1].mean(axis=1), *(-column for column in columns)], axis=1)
    return every[list(rows)]


def on_front(points):
    return [not ((points >= one).all(axis=1) & (points > one).any(axis=1)).any() for one in points]


def brute_front(points):
    return points[on_front(points)]


def brute_volume(points, front):
    """The share of the front's hypervolume, summed over the cells of a grid of all coordinates."""
    ideal, nadir = front.max(axis=0), front.min(axis=0)

    def volume(of):
        losses = (ideal - of) / (ideal - nadir)
        ticks = [np.unique(np.append(column[column < 1.1], 1.1)) for column in losses.T]
        total = 0.0
        for cell in product(*(pairwise(each) for each in ticks)):
            lower = np.array([low for low, _ in cell])
            if (losses <= lower + 1e-12).all(axis=1).any():
                total += np.prod([high - low for low, high in cell])
        return total

    return volume(points) / volume(front)


@pytest.mark.parametrize("costs", [["parameters"], ["parameters", "flops"]])
def test_a_run_is_worth_its_share_of_the_exact_fronts_hypervolume(tmp_path, table, costs):
    env = {"evaluator": TABLE, "objectives": ["score", *costs]}
    found = measured(plan(tmp_path, seeds=2, budget=12, env=env))
    front = brute_front(true_gains(table, costs))
    assert found.analysis.fronts.reference_in_words == "the exact front"
    for agent in ("random", "evolution"):
        for one, evaluations in found.runs(agent):
            seen = true_gains(table, costs, evaluations)
            assert one.score == pytest.approx(brute_volume(seen, front))
            assert one.front.volumes[5] == pytest.approx(brute_volume(seen[:6], front))
            scaled = (front.max(axis=0) - np.unique(front, axis=0)) / np.ptp(front, axis=0)
            losses = (front.max(axis=0) - seen) / np.ptp(front, axis=0)
            beyond = [np.sqrt((np.maximum(losses - one, 0) ** 2).sum(axis=1)).min() for one in scaled]
            assert one.front.distance == pytest.approx(np.mean(beyond))


def test_agents_are_ranked_and_tested_by_hypervolume_and_not_by_test_scores(tmp_path):
    found = measured(plan(tmp_path, ["random", "evolution", "hyperband"], seeds=4, budget=40))
    shares = {
        agent: np.array([one.score for one in found.finished if one.agent == agent])
        for agent in ("random", "evolution", "hyperband")
    }
    means = {agent: values.mean() for agent, values in shares.items()}
    assert [row.agent for row in found.analysis.agents] == sorted(means, key=means.get, reverse=True)
    for row in found.analysis.agents:
        assert row.score.value == pytest.approx(means[row.agent])
        assert row.regret is None
    pairs = found.analysis.pairs
    tests = [permutation_test(shares[pair.first], shares[pair.second], 0) for pair in pairs]
    assert [pair.p for pair in pairs] == pytest.approx([test.p for test in tests])
    assert [pair.adjusted for pair in pairs] == pytest.approx(holm([test.p for test in tests]).tolist())
    for agent, curve in found.analysis.evaluation_curves.items():
        assert curve.value[-1] == pytest.approx(means[agent])


def test_what_is_reported_says_what_is_compared_and_has_the_pictures(tmp_path):
    env = {"evaluator": TABLE, "objectives": THREE}
    made = plan(tmp_path, ["random", "evolution", "hyperband"], env=env)
    (experiment,) = prepare(made)
    for spec in experiment.specs:
        run(spec)
    found = publish(made, experiment, [], "nas-gym compare ...")
    pictures = {
        "hypervolume_by_evaluations",
        "hypervolume_by_seconds",
        "scores",
        "improvement",
        "front_parameters",
        "front_flops",
    }
    assert {path.stem for path in found.folder.glob("*.png")} == pictures
    text = (found.folder / "comparison.md").read_text()
    assert "ranked and tested by hypervolume, of score, parameters, flops" in text
    assert "test accuracy chooses nothing" in text
    assert "hyperband goes by the first objective (score) alone" in text
    assert "random goes by no objective" in text
    assert all(f"]({name}.png)" in text for name in pictures)
    assert "regret" not in text
    events = EventAccumulator(str(found.folder / "aggregate"))
    events.Reload()
    assert set(events.Tags()["images"]) == {f"comparison/{name}" for name in pictures}
    values = json.loads((found.folder / "comparison.json").read_text())
    assert values["metric"] == "share of the hypervolume of the exact front"
    assert [len(each) for each in values["fronts"].values()] == [3, 3, 3]
    assert {row["agent"]: row["goes_by"] for row in values["agents"]} == {
        "random": "none",
        "evolution": "front",
        "hyperband": "first",
    }
    shown = io.StringIO()
    show_comparison(found, Console(width=80, file=shown), Console(stderr=True), by_access=False)
    table, _, words = shown.getvalue().partition("share of HV: ")
    assert max(map(len, table.splitlines())) <= 80
    assert "of the hypervolume of the exact front" in words.replace("\n", " ")
    written = {path.name for path in found.to_csv(tmp_path / "csv")}
    assert written == {"runs.csv", "curves.csv", "agents.csv", "pairs.csv"}
    drawn = found.plot(tmp_path / "front.svg", ["evolution"], "front_flops")
    assert drawn.stat().st_size > 0


def test_the_same_comparison_again_is_the_same_and_an_interrupted_one_goes_on(tmp_path):
    first = measured(plan(tmp_path))
    other = measured(plan(tmp_path, logdir=str(tmp_path / "others")))
    assert other.analysis.as_dict() == first.analysis.as_dict()
    (first.folder / "evolution" / "seed1" / "result.json").unlink()
    (experiment,) = prepare(plan(tmp_path))
    assert experiment.finished.count(False) == 1
    assert measured(plan(tmp_path)).analysis.as_dict() == first.analysis.as_dict()


def test_a_front_chosen_by_noisy_scores_is_valued_by_the_means(tmp_path, table):
    noisy = {"evaluator": TABLE | {"seeds": "random"}}
    found = measured(plan(tmp_path, ["random", "evolution"], seeds=1, env=noisy))
    front = brute_front(true_gains(table, ["parameters"]))
    for agent in ("random", "evolution"):
        ((one, evaluations),) = found.runs(agent)
        seen = np.array([[each["score"], -each["parameters"]] for each in evaluations])
        chosen = [each for each, kept in zip(evaluations, on_front(seen), strict=True) if kept]
        assert one.score == pytest.approx(brute_volume(true_gains(table, ["parameters"], chosen), front))
        assert set(one.front.architectures) == {each["architecture"] for each in chosen}


def test_shorter_trainings_are_no_part_of_a_front(tmp_path):
    found = measured(plan(tmp_path, ["random", "hyperband"], seeds=2))
    for one, evaluations in found.runs("hyperband"):
        full = [place for place, each in enumerate(evaluations) if each["fidelity"] is None]
        assert full[0] > 0
        assert not one.front.volumes[: full[0]].any()
        assert one.front.volumes[-1] > 0
        assert set(one.front.architectures) <= {evaluations[place]["architecture"] for place in full}


def test_a_run_without_a_network_that_counts_is_worth_nothing_and_has_no_distance(tmp_path):
    made = plan(tmp_path, ["random", "successive-halving"], seeds=2, budget={"seconds": 7.0})
    found = measured(made)
    for one, evaluations in found.runs("successive-halving"):
        assert all(each["fidelity"] is not None for each in evaluations)
        assert (one.score, one.front.distance, one.front.architectures) == (0.0, np.inf, ())
    row = found.analysis.fronts.rows["successive-halving"]
    assert row.as_dict()["igd_plus_median"] is None
    (line,) = (
        each
        for each in front_ranking(found.analysis, found.analysis.fronts).splitlines()
        if "successive-halving" in each
    )
    assert "| 0.000 [-] | - | 0% |" in line
    plot_figure("front_parameters", found.analysis, "here", tmp_path / "front.svg")


def planted(architecture):
    return 0.3 + 0.1 * sum(width == 64 for width, _ in architecture.layers)


def test_without_a_table_shares_are_of_all_that_was_found(tmp_path):
    evaluator = {"name": "function", "function": f"{__name__}:planted"}
    env = {"evaluator": evaluator, "search_space": {"name": "mlp", "max_layers": 3, "widths": [16, 64]}}
    found = measured(plan(tmp_path, ["random", "evolution"], seeds=2, budget=8, env=env))
    points = {
        (one.agent, one.seed): np.array([[each["score"], -each["parameters"]] for each in evaluations])
        for agent in ("random", "evolution")
        for one, evaluations in found.runs(agent)
    }
    front = brute_front(np.concatenate(list(points.values())))
    for one in found.finished:
        assert one.score == pytest.approx(brute_volume(points[one.agent, one.seed], front))
    assert found.analysis.score_in_words == "share of the hypervolume of the front of all that was found"
    assert "say nothing beside another one" in ranked_by(found.analysis, found.analysis.fronts)


def test_an_attained_surface_is_what_a_share_of_the_runs_reached(tmp_path):
    found = measured(plan(tmp_path, ["random", "evolution"], seeds=5))
    fronts = found.analysis.fronts
    (plane,) = planes(fronts)
    surfaces = Surfaces(fronts, plane)
    scale = fronts.objectives[1].scale
    for share, needed in ((0.25, 2), (0.5, 3), (0.75, 4)):
        heights = surfaces.attained("random", share)
        for x, height in zip(surfaces.x, heights, strict=True):
            bests = sorted(
                max((score for score, gain in gains if -gain * scale <= x * (1 + 1e-9)), default=-np.inf)
                for gains in fronts.found["random"]
            )
            assert height == bests[-needed]
    assert (surfaces.attained("random", 0.25) <= surfaces.reference).all()


def test_a_front_without_a_trade_is_said_and_drawn(tmp_path, table):
    env = {"evaluator": TABLE, "objectives": ["parameters", "flops"]}
    found = measured(plan(tmp_path, ["random", "evolution"], seeds=2, env=env))
    smallest = table.parameters.min(), table.flops.min()
    for agent in ("random", "evolution"):
        for one, evaluations in found.runs(agent):
            there = smallest in {(each["parameters"], each["flops"]) for each in evaluations}
            assert one.score == float(there)
    assert found.analysis.notes[0].startswith("A single point is on the exact front")
    plot_figure("front_flops", found.analysis, "here", tmp_path / "front.svg")
    (plane,) = planes(found.analysis.fronts)
    surfaces = Surfaces(found.analysis.fronts, plane)
    assert surfaces.reference.min() == pytest.approx(smallest[0])
    assert surfaces.bottom < smallest[0] < surfaces.top


def test_several_tasks_are_put_together_by_their_shares(tmp_path):
    shelve(fake_table(benchmark="mlp", task="digits", input_shape=(1, 8, 8), seed=1))
    made = plan(tmp_path, seeds=3, tasks=["mnist1d", "digits"])
    runs = {task: measured(made, number).finished for number, task in enumerate(made.tasks)}
    across = compare_across(runs)
    for row in across.agents:
        shares = [[one.score for one in each if one.agent == row.agent] for each in runs.values()]
        assert row.score.value == pytest.approx(np.mean(shares))
    assert across.as_dict()["estimand"] == "mean over tasks of the mean share of hypervolume"
    assert "share of the hypervolume of the exact front" in across_markdown(across, SETTING, [])


@pytest.mark.parametrize("name", REFUSED)
def test_agents_that_search_for_one_number_are_refused_before_a_run(tmp_path, name):
    with pytest.raises(NASGymError, match=rf"^{name} searches for one number.*score, parameters") as told:
        prepare(plan(tmp_path, ["random", name]))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "logs").exists()
    with pytest.raises(NASGymError):
        make_agent(name).search(make_env(ENV, {"evaluator": TABLE}), 5, 0)


@pytest.mark.parametrize("name", SEARCHING)
def test_agents_go_by_what_they_say(name):
    agent = make_agent(name)

    def asked(env_id, **options):
        env = make_env(env_id, {"evaluator": TABLE, **options})
        return [(each.architecture, each.fidelity) for each in agent.search(env, 20, 0).evaluations]

    of_both = asked(ENV, objectives=("score", "parameters"))
    of_score_alone = asked("NAS-v0", reward="final")
    assert (of_both == of_score_alone) == (agent.under_objectives != "front")
    # A greedy walk is a random one where the last network of an episode alone is evaluated.
    if agent.under_objectives != "front" and name != "greedy-walk":
        by_size = asked(ENV, objectives=("parameters", "score"))
        assert (by_size == of_both) == (agent.under_objectives == "none")


def test_an_agent_that_says_something_else_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(AGENTS["random"], "under_objectives", "frnt")
    with pytest.raises(NASGymError, match=r"under_objectives of the agent 'random'.*did you mean 'front'"):
        prepare(plan(tmp_path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"budget": 1}, "a budget of 1 holds no front of 2 objectives.*at least 2 evaluations"),
        ({"budget": 2, "env": {"evaluator": TABLE, "objectives": THREE}}, "no front of 3 objectives"),
        ({"agents": ["random", "ppo", "dqn"]}, "^ppo, dqn search for one number.*leave them out"),
    ],
)
def test_what_holds_no_front_is_refused_in_one_sentence(tmp_path, values, message):
    with pytest.raises(NASGymError, match=message):
        prepare(plan(tmp_path, **values))


def test_where_nothing_counts_and_no_front_is_known_the_comparison_says_so(tmp_path):
    evaluator = {"name": "function", "function": f"{__name__}:broken"}
    env = {"evaluator": evaluator, "search_space": {"name": "mlp", "max_layers": 2, "widths": [16]}}
    with pytest.raises(NASGymError, match="there is no front to compare: raise the budget"):
        measured(plan(tmp_path, seeds=1, budget=3, env=env))


def broken(architecture):
    from nas_gym.evaluators.function import FunctionFailed

    raise FunctionFailed("it diverged")
