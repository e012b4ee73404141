"""The tables of the package: what they promise, and a sample of their networks trained again."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nas_gym.tables import SHIPPED, Table, check_table, read_table

FILES = sorted(SHIPPED.glob("*.npz"))
SIZES = {"mlp-mnist1d": 4680, "mlp-digits": 4680, "conv-mnist1d": 6003}


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def table(request: pytest.FixtureRequest) -> Table:
    return read_table(request.param)


def test_all_are_there_and_small() -> None:
    assert {path.stem for path in FILES} == set(SIZES)
    assert sum(path.stat().st_size for path in FILES) < 10_000_000


def test_every_architecture_has_three_seeds_and_a_curve(table: Table) -> None:
    assert table.size == SIZES[table.name]
    assert all(len(seeds) == 3 for seeds in table.seeds.values())
    assert table.fidelities == tuple(range(1, table.fidelities[-1] + 1))
    assert table.resumable
    assert not np.isnan(table.validation).any()
    assert (table.parameters > 0).all()
    assert (table.seconds > 0).all()


def test_a_sample_trained_again_agrees(table: Table, record_property: pytest.RecordProperty) -> None:
    check = check_table(table, architectures=4)
    record_property("check", check.why)
    print(f"{table.name}: {check.why}")
    assert check.trainings == 12
    assert check.ok, check.wrong


def test_an_environment_needs_neither_torch_nor_a_network() -> None:
    program = (
        "import sys, gymnasium as gym, nas_gym; env = gym.make('NASTable-MLP-v0');"
        "env.reset(seed=0); _, reward, *_ = env.step(1); assert 0 < reward < 1, reward;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
