"""One run: searched, scored by seeds that the search did not use, and kept."""

import json
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from nas_agents.runs.progress import Progress
from nas_agents.runs.run import RunSpec, experiment_folder, label, make_env, run

from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluation, Evaluator, FinalScore
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task

SPACE = {"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "tanh"]}
QUICK = {
    "search_space": SPACE,
    "task": "breast_cancer",
    "evaluator": {"name": "train", "recipe": {"epochs": 2}},
    "store": "memory",
    "horizon": 4,
}


class Watched(Evaluator):
    """Gives validation scores by the length of the text; the search must be over when `test` is asked."""

    def __init__(self, fail_after=None):
        self.task = make_task("breast_cancer")
        self.search_space = make_search_space(SPACE, self.task.input_shape, 2)
        self.seeds, self.tested, self.evaluated, self.fail_after = (0, 5), [], [], fail_after

    def stream(self, requests):
        assert not self.tested, "the search went on after the test"
        for position, request in enumerate(requests):
            if len(self.evaluated) == self.fail_after:
                raise RuntimeError("the power went off")
            self.evaluated.append((str(request.architecture), request.seed))
            score = len(str(request.architecture)) / 100 + request.seed / 1000
            yield (
                position,
                Evaluation(str(request.architecture), score, (score,), 1, 1, 1.0, "ok", "", (request.seed,)),
            )

    def test(self, architecture, seeds):
        self.tested.append((str(architecture), list(seeds)))
        return [FinalScore(seed, 0.5 + seed / 1000, 0.71828182) for seed in seeds]

    def config(self):
        return {"name": "watched", "seeds": list(self.seeds)}


def watched_spec(tmp_path, evaluator, agent="q-learning", **others):
    env = QUICK | {"evaluator": evaluator}
    return RunSpec(agent, others.pop("budget", 5), str(tmp_path / "run"), env=env, **others)


def files_of(folder: Path):
    return {path.name: path for path in folder.rglob("*") if path.is_file()}


def test_the_chosen_network_is_scored_by_seeds_that_the_search_did_not_use(tmp_path):
    evaluator = Watched()
    result = run(watched_spec(tmp_path, evaluator, seed=2))
    ((architecture, seeds),) = evaluator.tested
    assert architecture == result["architecture"]
    assert seeds == [12, 13, 14]
    assert not set(seeds) & {seed for _, seed in evaluator.evaluated}
    assert result["validation_score"] == pytest.approx(0.513)
    assert result["test_score"] == pytest.approx(0.71828182)
    assert [score["seed"] for score in result["final"]] == seeds
    assert result["score"] == max(evaluation["score"] for evaluation in result["evaluations"])
    assert "optimistic" in result["score_is"]
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result


def test_fresh_seeds_are_unused_and_differ_between_runs():
    evaluator = Watched()
    evaluator.seeds = (0, 7, 3)
    runs = [evaluator.final_seeds(run_seed) for run_seed in range(50)]
    drawn = [seed for seeds in runs for seed in seeds]
    assert len(set(drawn)) == 150
    assert min(drawn) > 7
    evaluator.seeds = (2**40,)
    assert max(evaluator.final_seeds(2**80)) < 2**63


def test_the_test_score_is_in_no_file_of_a_run_but_its_result(tmp_path):
    run(watched_spec(tmp_path, Watched()))
    files = files_of(tmp_path / "run")
    assert {"trace.jsonl", "config.json", "result.json"} < set(files)
    traces = [str(0.71828182).encode(), struct.pack("<f", 0.71828182), struct.pack("<d", 0.71828182)]
    holding = {name for name, path in files.items() if any(trace in path.read_bytes() for trace in traces)}
    assert holding == {"result.json"}


def test_a_finished_run_is_not_repeated(tmp_path):
    first = run(watched_spec(tmp_path, Watched()))
    again = Watched()
    assert run(watched_spec(tmp_path, again)) == first
    assert (again.evaluated, again.tested) == ([], [])


def test_a_run_that_broke_off_starts_from_its_beginning_and_ends_as_if_undisturbed(tmp_path):
    with pytest.raises(RuntimeError):
        run(watched_spec(tmp_path, Watched(fail_after=6)))
    assert "result.json" not in files_of(tmp_path / "run")
    resumed = run(watched_spec(tmp_path, Watched()))
    assert resumed == run(watched_spec(tmp_path / "undisturbed", Watched()))


def test_another_config_in_the_folder_is_refused_and_the_run_there_is_kept(tmp_path):
    run(watched_spec(tmp_path, Watched()))
    before = (tmp_path / "run" / "result.json").read_text()
    with pytest.raises(NASGymError, match=r"holds a run of another config .*budget is 5 there and 6 here"):
        run(watched_spec(tmp_path, Watched(), budget=6))
    assert (tmp_path / "run" / "result.json").read_text() == before


def test_a_spec_that_does_not_fit_leaves_no_folder_behind(tmp_path):
    for others in ({"budget": 0}, {"seed": -1}, {"agent": {"name": "q-learning", "gamma": 1}}):
        with pytest.raises(NASGymError):
            run(watched_spec(tmp_path, Watched(), **others))
    assert list(tmp_path.iterdir()) == []


def test_progress_is_reported_and_ends_with_the_search(tmp_path):
    reports: list[Progress] = []
    release = threading.Event()

    class Slow(Watched):
        def stream(self, requests):
            if len(self.evaluated) == 6:
                assert release.wait(20)
            yield from super().stream(requests)

    def report(progress):
        reports.append(progress)
        if progress.evaluations >= 3:
            release.set()

    run(watched_spec(tmp_path, Slow()), report)
    assert max(report.evaluations for report in reports) >= 3
    assert [report.clock for report in reports] == sorted(report.clock for report in reports)
    assert reports[-1].best > 0
    assert not any("watch" in thread.name for thread in threading.enumerate())


def test_the_saved_network_has_the_test_score_of_its_seed(tmp_path):
    result = run(RunSpec("random", 3, str(tmp_path), env=QUICK), keep_network=True)
    saved, task = load_network(tmp_path / "best.pt"), make_task("breast_cancer")
    assert saved.architecture == result["architecture"]
    raw = task.x_test * task.scale + task.mean
    score = np.mean(saved.predict(raw).argmax(axis=1) == task.y_test)
    assert score == pytest.approx(result["final"][0]["test_score"])


def test_a_finished_run_without_its_network_gains_it_without_a_search(tmp_path):
    store = str(tmp_path / "store.sqlite")
    spec = RunSpec("random", 3, str(tmp_path / "run"), env=QUICK | {"store": store})
    first = run(spec)
    assert not (tmp_path / "run" / "best.pt").exists()
    assert run(spec, keep_network=True) == first
    assert load_network(tmp_path / "run" / "best.pt").architecture == first["architecture"]


def test_a_warm_store_changes_nothing_but_recorded_seconds_of_nobody(tmp_path):
    env = QUICK | {"store": str(tmp_path / "store.sqlite")}
    cold = run(RunSpec("q-learning", 4, str(tmp_path / "cold"), env=env))
    warm = run(RunSpec("q-learning", 4, str(tmp_path / "warm"), env=env))
    assert warm == cold


def test_an_unknown_environment_is_named_with_the_known_ones():
    with pytest.raises(NASGymError, match=r"unknown environment 'NAS-v9'.*known: NAS-v0"):
        make_env("NAS-v9", {})


def test_folders_are_named_by_environment_space_task_and_variant():
    env = make_env("NAS-v0", QUICK)
    assert experiment_folder("logs", env) == Path("logs/NAS-v0-mlp-breast_cancer")
    assert experiment_folder("logs", env, "my run/2") == Path("logs/NAS-v0-mlp-breast_cancer-my-run-2")


def test_an_agent_is_labelled_by_its_name_and_the_hyperparameters_that_were_set():
    assert label("tpe") == "tpe"
    assert label({"name": "q-learning", "alpha": 0.2, "replay": True}) == "q-learning-alpha=0.2-replay=True"
