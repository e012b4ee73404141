"""What the command line says where a search on shared weights cannot begin."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app

CELL = '{"name": "cell", "channels": [4]}'
TASK = '{"name": "mnist1d", "train_size": 100, "validation_size": 100, "test_size": 100}'
OWN = "tests.helpers.own_space:OwnSpace"


@pytest.mark.parametrize(
    ("agent", "budget", "space", "words"),
    [
        ("darts", 2, CELL, "one epoch of the shared weights costs as much as"),
        ("drnas", 1, CELL, "leaves nothing to train shared weights for"),
        ("spos", 8, OWN, "has no place in the search space"),
        ("darts", 8, '{"name": "conv", "max_layers": 1}', "has no mixture of its candidates"),
        ("proxyless", 8, CELL, "gives latencies"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence_with_exit_code_2(agent, budget, space, words, tmp_path):
    options = ["--agent", agent, "--budget", str(budget), "--search-space", space, "--task", TASK]
    options += ["--logdir", str(tmp_path), "--store", "memory", "--recipe", '{"epochs": 1}']
    if agent == "proxyless":
        options += ["--set", "cost=latency", "--set", "cost_weight=1"]
    result = CliRunner().invoke(app, ["search", *options])
    assert result.exit_code == 2, result.output
    (told,) = result.stderr.strip().splitlines()
    assert told.startswith("nas-gym: ")
    assert words in told
