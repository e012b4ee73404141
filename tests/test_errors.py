"""The family of errors: which one says what, all of them caught as one."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import nas_gym  # noqa: F401
from nas_gym.deploy import load_network
from nas_gym.errors import ConfigError, DataError, NASGymError, StoreError
from nas_gym.tasks import make_task
from nas_gym.traces import read_trace, replay


@pytest.mark.parametrize(
    "options",
    [{"horizon": 0}, {"reward": "scroe"}, {"search_space": "mpl"}, {"store": 5}, {"no_such_option": 1}],
)
def test_a_wrong_argument_is_a_config_error(options):
    with pytest.raises(ConfigError):
        gym.make("NAS-v0", **options)


def test_data_that_cannot_be_used_is_a_data_error(tmp_path):
    with pytest.raises(DataError):
        make_task({"name": "arrays", "x": np.full((30, 2), np.nan), "y": np.arange(30) % 2})
    with pytest.raises(DataError):
        make_task(str(tmp_path / "missing.npz"))
    with pytest.raises(DataError):
        load_network(tmp_path / "missing.pt")


def test_a_folder_that_holds_no_run_is_a_store_error(tmp_path):
    with pytest.raises(StoreError):
        replay(tmp_path)
    with pytest.raises(StoreError):
        read_trace(tmp_path / "trace.jsonl")


def test_a_file_that_is_no_store_is_a_store_error(tmp_path):
    (tmp_path / "store.db").write_text("a text, and not a database, that is long enough to have a header")
    with pytest.raises(StoreError):
        gym.make("NAS-v0", store=str(tmp_path / "store.db"))


@pytest.mark.parametrize("error", [ConfigError, DataError, StoreError])
def test_one_clause_catches_the_family(error):
    assert issubclass(error, NASGymError)
    assert issubclass(error, ValueError)
