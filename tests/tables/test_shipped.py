"""The tables of the package: what they promise, and a sample of their networks trained again."""

from __future__ import annotations

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.tables import SHIPPED, Table, check_table, read_table
from nas_gym.tables.landscape.analysis import RATIO, TIED, TOP, WHOLE, noise_of
from nas_gym.testing import check_search_space

FILES = sorted(SHIPPED.glob("*.npz"))
SIZES = {
    "mlp-mnist1d": 4680,
    "mlp-digits": 4680,
    "conv-mnist1d": 6003,
    "recurrent-language_id": 2160,
    "conv-spoken_words": 2849,
    "graph-logp": 3744,
    "forecaster-seasonal": 1884,
}
DOMAINS = {
    "NASTable-Text-v0": "recurrent-language_id",
    "NASTable-Speech-v0": "conv-spoken_words",
    "NASTable-Molecules-v0": "graph-logp",
    "NASTable-Series-v0": "forecaster-seasonal",
}
LARGEST = {"NASTable-Text-v0", "NASTable-Speech-v0"}
"""Those whose best is among the 60 networks of most parameters, as their pages say."""
NEEDS = {"language_id": "babel", "spoken_words": "espeakng_loader", "logp": "rdkit"}
"""The package of an extra that a task's data come with."""


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def table(request: pytest.FixtureRequest) -> Table:
    return read_table(request.param)


def test_all_are_there_and_small() -> None:
    assert {path.stem for path in FILES} == set(SIZES)
    assert sum(path.stat().st_size for path in FILES) < 12_000_000


def test_every_architecture_has_three_seeds_and_a_curve(table: Table) -> None:
    assert table.size == SIZES[table.name]
    assert all(len(seeds) == 3 for seeds in table.seeds.values())
    assert table.fidelities == tuple(range(1, table.fidelities[-1] + 1))
    assert table.resumable
    assert not np.isnan(table.validation).any()
    assert (table.parameters > 0).all()
    assert (table.seconds > 0).all()


def test_a_sample_trained_again_agrees(table: Table, record_property: pytest.RecordProperty) -> None:
    if package := NEEDS.get(table.task):
        pytest.importorskip(package, reason=f"{package} is not installed, whose data {table.task} reads")
    architectures = 2 if table.name in DOMAINS.values() else 4
    check = check_table(table, architectures)
    record_property("check", check.why)
    print(f"{table.name}: {check.why}")
    assert check.trainings == 3 * architectures
    assert check.ok, check.wrong


@pytest.mark.parametrize("env_id", DOMAINS)
def test_each_domain_has_an_environment_on_its_table(env_id: str) -> None:
    env = gym.make(env_id)
    table = env.unwrapped.evaluator.table
    assert table.name == DOMAINS[env_id]
    assert env.unwrapped.search_space == table.search_space
    check_env(env.unwrapped, skip_render_check=True)
    check_search_space(table.search_space, walks=2, steps=8)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(1)
    assert reward == pytest.approx(
        table.mean_score()[table.row(table.search_space.parse(info["architecture"]))]
    )
    several = gym.make_vec(env_id, num_envs=3)
    several.reset(seed=0)
    assert several.step(np.ones(3, dtype=np.int64))[1] == pytest.approx(reward)


@pytest.mark.parametrize("env_id", DOMAINS)
def test_the_landscape_of_a_domain_is_as_its_page_says(env_id: str) -> None:
    table = gym.make(env_id).unwrapped.evaluator.table
    noise = noise_of(table)
    assert noise is not None
    assert noise.fit
    assert noise.spread >= RATIO * noise.standard_error
    assert noise.spearman >= WHOLE
    assert noise.spearman_top >= TOP
    assert noise.tied < TIED
    largest = np.argsort(-table.parameters, kind="stable")[:60]
    assert (table.mean_score()[largest].max() == table.mean_score().max()) == (env_id in LARGEST)


def test_the_tables_of_domains_need_no_package_of_an_extra() -> None:
    program = (
        "import sys\n"
        f"for name in {[*NEEDS.values(), 'torch']!r}: sys.modules[name] = None\n"
        "import gymnasium as gym, nas_gym\n"
        f"for env_id in {list(DOMAINS)!r}:\n"
        "    env = gym.make(env_id)\n"
        "    env.reset(seed=0)\n"
        "    assert 0 < env.step(1)[1] < 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_environment_needs_neither_torch_nor_a_network() -> None:
    program = (
        "import sys, gymnasium as gym, nas_gym; env = gym.make('NASTable-MLP-v0');"
        "env.reset(seed=0); _, reward, *_ = env.step(1); assert 0 < reward < 1, reward;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
