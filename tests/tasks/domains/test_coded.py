"""Examples that are codes, and answers at each position: prepared as they are, and told to spaces."""

from __future__ import annotations

import numpy as np
import pytest

from nas_gym.errors import ConfigError
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Data, GraphInputs, Task, TokenInputs, Tokens
from nas_gym.tasks.prepare import prepare
from nas_gym.testing import check_task

TEXT = TokenInputs(("", "a", "b"), (5,))
MOLECULES = GraphInputs(("node", "carbon"), ("single", "double"), 3)


def of_tokens(vocabulary: tuple[str, ...] = TEXT.vocabulary, **options: object) -> Task:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 3, size=(60, 5)).astype(np.float32)
    x[::2, 3:] = 0
    y = np.where(x > 0, np.roll(x, -1, axis=1), -1).astype(np.int64)
    y[:, -1] = -1
    data = Data(x, y, coded=TokenInputs(vocabulary, (5,)), target=Tokens(vocabulary, 5))
    return prepare("letters", data, dict(options), {"name": "letters"})


def of_graphs() -> Task:
    rng = np.random.default_rng(0)
    x = np.zeros((60, 5, 3), np.float32)
    x[:, 0] = 1
    x[:, 1] = rng.integers(0, 2, size=(60, 3))
    x[:, 2, 1] = x[:, 3, 0] = rng.integers(0, 3, size=60)
    return prepare("rings", Data(x, np.arange(60) % 2, coded=MOLECULES), {}, {"name": "rings"})


def test_codes_stay_as_they_are_and_the_task_says_what_they_are() -> None:
    task = of_tokens()
    assert (task.inputs, task.outputs, task.target.loss) == (
        "tokens",
        15,
        "token_cross_entropy/uncertainty_removed/5",
    )
    assert set(np.unique(task.x_train)) == {0, 1, 2}
    assert (task.mean.tolist(), task.scale.tolist()) == ([0], [1])
    assert task.facts == {"vocabulary": 3, "lengths": [5], "positions": 5, "causal": True}
    assert of_graphs().facts == {"node_features": 2, "edge_kinds": 2}


def test_the_fingerprint_knows_how_many_codes_there_are_and_not_their_names() -> None:
    fingerprint = of_tokens().fingerprint
    assert of_tokens(("", "x", "y")).fingerprint == fingerprint
    assert of_tokens(("", "a", "b", "c")).fingerprint != fingerprint
    assert of_graphs().fingerprint != fingerprint


def test_plain_methods_read_counts_of_codes_and_sums_of_nodes_and_edges() -> None:
    assert TEXT.plain(np.array([[1, 2, 2, 0, 0]], np.float32)).tolist() == [[1, 2]]
    graph = np.zeros((1, 5, 3), np.float32)
    graph[0, 0, :2] = graph[0, 1, 1] = 1
    graph[0, 2, 1] = graph[0, 3, 0] = 2
    assert MOLECULES.plain(graph).tolist() == [[2, 1, 0, 1]]


def test_the_contract_holds_of_tokens_and_graphs() -> None:
    for task in (of_tokens(), of_graphs()):
        check_task(task)


def test_noise_is_not_for_codes() -> None:
    with pytest.raises(ConfigError, match="noise is for examples that are numbers, and these are tokens"):
        of_tokens(noise=0.1)


def test_a_space_of_numbers_refuses_codes_and_answers_at_positions() -> None:
    task = of_tokens()
    with pytest.raises(ConfigError, match="the mlp space knows nothing of examples of tokens"):
        make_search_space("mlp", task.input_shape, task.outputs, task.facts)
    with pytest.raises(ConfigError, match="knows nothing of an answer at each position"):
        make_search_space("mlp", (4,), 15, {"positions": 5, "causal": True})
