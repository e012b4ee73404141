"""A run's TensorBoard files stay small however long it is, and can be left out."""

from __future__ import annotations

import pytest

from nas_gym.traces import RunFolder
from nas_gym.traces.tensorboard import writer
from nas_gym.traces.tensorboard.tags import BEST, EVALUATIONS, REWARD
from tests.helpers.traced_runs import trace, walk
from tests.traces.test_tensorboard import accumulated, series


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(writer, "POINTS_ALL_SHOWN", 20)


def test_a_long_run_shows_ever_fewer_points_and_always_the_last(tmp_path, few):
    env = trace(tmp_path, horizon=5, initial="random")
    steps = walk(env, 1001)
    env.close()
    points = series(accumulated(tmp_path / "run"), REWARD)
    assert [step for step, _ in points[:20]] == list(range(1, 21))
    assert len(points) < 120  # 20 (1 + ln(1000 / 20)) are 98
    assert points[-1] == (1001, pytest.approx(steps[-1][1]))
    outcome = accumulated(tmp_path / "run" / "outcome")
    assert series(outcome, EVALUATIONS)[-1][1] == env.unwrapped.stats.unique
    assert series(outcome, BEST)[-1][1] == pytest.approx(env.unwrapped.ledger.best.score)


def test_a_short_run_shows_every_point(tmp_path):
    env = trace(tmp_path, horizon=5)
    walk(env, 50)
    env.close()
    assert len(series(accumulated(tmp_path / "run"), REWARD)) == 50


def test_a_run_without_tensorboard_has_all_the_rest(tmp_path):
    contents = {}
    for shown in (True, False):
        folder = tmp_path / str(shown)
        env = trace(folder, horizon=5, tensorboard=shown)
        env.unwrapped.start_run(10)
        walk(env, 12)
        env.scalars({"train/loss": 1.0})
        env.evaluate(["relu-64"])
        env.close()
        run = RunFolder(folder / "run")
        assert run.is_finished
        contents[shown] = (
            run.trace_file.read_text(),
            run.config(),
            {path.name for path in run.path.iterdir()},
        )
    assert contents[True][:2] == contents[False][:2]
    assert contents[False][2] == {"config.json", "trace.jsonl", "result.json"}
