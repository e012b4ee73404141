"""Tables with planted numbers over small spaces, for tests of everything that reads tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.search_spaces import make_search_space
from nas_gym.tables import Table, table_path, write_table

# 84 architectures.
SMALL = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "tanh"]}
EXAMPLES = (1000, 2000)


def fake_table(
    space: Any = SMALL,
    *,
    benchmark: str = "fake",
    task: str = "mnist1d",
    input_shape: tuple[int, ...] = (1, 40),
    fidelities: tuple[int, ...] = (1, 3, 9),
    seeds: tuple[int, ...] = (0, 1, 2),
    unseeded: tuple[int, ...] = (),
    missing: tuple[tuple[int, int], ...] = (),
    failed: tuple[tuple[int, int], ...] = (),
    counts: bool = True,
    resumable: bool = True,
    seed: int = 0,
) -> Table:
    """A table of random scores that grow with the epochs, each a count of right examples.

    Args:
        space: of the table.
        benchmark, task: its name.
        input_shape: of the space.
        fidelities, seeds, resumable: as of `Table`; every fidelity has the same seeds...
        unseeded: ...but these, which have none.
        missing: (row, column) where no seed was recorded at any fidelity.
        failed: (row, column) of failed trainings.
        counts: whether scores are counts over examples.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    built = make_search_space(space, input_shape, 10)
    shape = (len(fidelities), built.size, len(seeds))
    skill = rng.random((1, built.size, 1)) * np.linspace(0.4, 0.8, len(fidelities))[:, None, None]
    validation = np.rint((skill + 0.1 * rng.random(shape)) * EXAMPLES[0]) / EXAMPLES[0]
    test = np.rint((skill[-1] + 0.1 * rng.random(shape[1:])) * EXAMPLES[1]) / EXAMPLES[1]
    wrong = np.zeros(shape[1:], dtype=bool)
    for row, column in failed:
        wrong[row, column] = True
        validation[:, row, column] = test[row, column] = 0.0
    for row, column in missing:
        validation[:, row, column] = test[row, column] = np.nan
    for epochs in unseeded:
        validation[fidelities.index(epochs), :, 1:] = np.nan
    networks = [built.network(architecture) for architecture in built] if built.size < 500 else []
    parameters = [network.parameters for network in networks] or [1] * built.size
    flops = [network.flops for network in networks] or [1] * built.size
    return Table(
        benchmark=benchmark,
        task=task,
        search_space=built,
        fidelities=fidelities,
        seeds={epochs: () if epochs in unseeded else seeds for epochs in fidelities},
        resumable=resumable,
        validation=validation,
        test=test,
        failed=wrong,
        seconds=np.round(1.0 + rng.random(built.size), 6),
        parameters=np.array(parameters, dtype=np.int64),
        flops=np.array(flops, dtype=np.int64),
        examples=EXAMPLES if counts else None,
        about={"source": "planted numbers of a test"},
    )


def shelve(table: Table) -> Table:
    """Write a table into the user's folder, which tests set by the environment variable."""
    write_table(table, table_path(table.name))
    return table
