"""Latencies of devices, imported beside a table."""

import csv

import gymnasium as gym
import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.envs import NASMultiObjectiveEnv
from nas_gym.errors import NASGymError
from nas_gym.tables import devices_of, import_latencies
from tests.helpers.data.tables import fake_table, shelve


def written(path, table, columns, numbered=True, leave_out=0):
    """A file of latencies of a table, in another order than its own."""
    order = np.random.default_rng(0).permutation(table.size)[leave_out:]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["index" if numbered else "architecture", *columns])
        for row in order.tolist():
            name = row if numbered else str(table.search_space.architecture(row))
            writer.writerow([name, *(column[row] for column in columns.values())])
    return path


@pytest.fixture
def shelved(shelf):
    return shelve(fake_table())


def planted(table, seed=0):
    return np.round(np.random.default_rng(seed).random(table.size) + 0.1, 4)


@pytest.mark.parametrize("numbered", [True, False])
def test_latencies_are_those_of_the_file_by_number_or_by_text(shelved, tmp_path, numbered):
    pixel, xeon = planted(shelved), planted(shelved, 1)
    file = written(tmp_path / "l.csv", shelved, {"pixel_ms": pixel, "xeon_ms": xeon}, numbered)
    found, _ = import_latencies(file, shelved.name)
    assert list(found) == ["pixel", "xeon"]
    kept = devices_of(shelved)
    assert kept["pixel"].milliseconds.tolist() == pixel.tolist()
    assert kept["xeon"].fingerprint == found["xeon"].fingerprint != kept["pixel"].fingerprint


def test_a_table_stays_the_same_and_other_devices_stay(shelved, tmp_path):
    before = shelved.fingerprint
    import_latencies(written(tmp_path / "a.csv", shelved, {"one_ms": planted(shelved)}), shelved.name)
    import_latencies(written(tmp_path / "b.csv", shelved, {"file_ms": planted(shelved, 1)}), shelved.name)
    assert set(devices_of(shelved)) == {"one", "file"}
    assert shelved.fingerprint == before


def test_an_environment_pays_for_the_latency_of_a_device(shelved, tmp_path):
    pixel = planted(shelved)
    import_latencies(written(tmp_path / "l.csv", shelved, {"pixel_ms": pixel}), shelved.name)
    evaluator = {"name": "table", "benchmark": "fake", "latency": "pixel"}
    env = gym.make(
        "NASMultiObjective-v0", objectives=("score", "latency"), evaluator=evaluator, reward="step"
    )
    env.reset(seed=0)
    _, reward, _, _, info = env.step(1)
    index = shelved.search_space.index(shelved.search_space.parse(str(info["architecture"])))
    assert reward == pytest.approx(np.array([info["score"], -pixel[index] / pixel.max()]), abs=1e-6)
    assert env.unwrapped.reward_space.low.tolist() == [0, -1]
    final = NASMultiObjectiveEnv(objectives=("score", "latency"), evaluator=evaluator)
    assert len(final.pareto_front(gamma=1.0)) >= 2
    assert NASMultiObjectiveEnv(**final.config()).config() == final.config()


def test_a_run_made_with_other_latencies_is_not_mixed_with_new_ones(shelved, tmp_path):
    import_latencies(written(tmp_path / "l.csv", shelved, {"pixel_ms": planted(shelved)}), shelved.name)
    env = gym.make("NAS-v0", evaluator={"name": "table", "benchmark": "fake", "latency": "pixel"}).unwrapped
    recorded = env.config()["evaluator"]
    import_latencies(written(tmp_path / "m.csv", shelved, {"pixel_ms": planted(shelved, 5)}), shelved.name)
    with pytest.raises(NASGymError, match="not those that the run was made with"):
        gym.make("NAS-v0", evaluator=recorded)


def test_the_command_says_what_it_imported(shelved, tmp_path):
    file = written(tmp_path / "l.csv", shelved, {"pixel_ms": planted(shelved)})
    result = CliRunner().invoke(app, ["benchmark", "import-latency", str(file), "--table", shelved.name])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("pixel: 0.1")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"pixel": 1}, {}, "no column of latencies"),
        ({"pixel_ms": 1}, {"leave_out": 1}, "must have each number from 0 to 83 once"),
        ({"pixel_ms": 1}, {"leave_out": 1, "numbered": False}, "lacks 1 of the 84 architectures"),
        ({"pixel_ms": -1}, {}, "expected milliseconds of at least 0"),
    ],
)
def test_a_file_with_a_flaw_is_refused_and_nothing_is_kept(shelved, tmp_path, columns, options, message):
    filled = {name: np.full(shelved.size, value) for name, value in columns.items()}
    file = written(tmp_path / "l.csv", shelved, filled, **options)
    with pytest.raises(NASGymError, match=message) as caught:
        import_latencies(file, shelved.name)
    assert "\n" not in str(caught.value)
    assert devices_of(shelved) == {}


def test_an_unknown_device_is_named_with_those_that_there_are(shelved, tmp_path):
    import_latencies(written(tmp_path / "l.csv", shelved, {"pixel_ms": planted(shelved)}), shelved.name)
    with pytest.raises(NASGymError, match="unknown device of the table 'fake-mnist1d' 'pixle'"):
        gym.make("NAS-v0", evaluator={"name": "table", "benchmark": "fake", "latency": "pixle"})
