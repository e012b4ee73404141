"""What the parts of examples that are codes are called: tokens, atoms and bonds, nodes and edges."""

from __future__ import annotations

import numpy as np

from nas_gym.explain.methods.attribution.hiding import EDGE, TOKEN, edge_ends
from nas_gym.tasks import GraphInputs, MoleculeForm, Task, TokenInputs, atom_labels


def noun_of(task: Task, kind: str) -> str:
    """Return what a part of an example is called."""
    if isinstance(task.files, MoleculeForm):
        return "bond" if kind == EDGE else "atom"
    return kind


def labels_of(task: Task, kind: str, rows: np.ndarray) -> list[list[str]]:
    """Return what each part of each of these validation examples is called; "" where there is none.

    Args:
        task: the data, codes.
        kind: kind of the parts, as of `nas_gym.explain.methods.attribution.hiding`.
        rows: numbers of the examples.
    """
    x = task.x_validation[rows]
    if kind == TOKEN:
        assert isinstance(task.coded, TokenInputs)
        return [[task.coded.vocabulary[int(code)] for code in row] for row in x]
    assert isinstance(task.coded, GraphInputs)
    if kind == EDGE:
        ones, others = edge_ends(task.coded.nodes)
        names = ("", *task.coded.edges)
        kinds = x[:, len(task.coded.features) + ones, others].astype(np.int64)
        return [[names[code] for code in row] for row in kinds.tolist()]
    return [node_labels(task, graph) for graph in x]


def node_labels(task: Task, graph: np.ndarray) -> list[str]:
    """Return what each node of a graph is called: an element, or its first feature that is there."""
    if isinstance(task.files, MoleculeForm):
        return atom_labels(graph)
    assert isinstance(task.coded, GraphInputs)
    names = task.coded.features
    there = [np.flatnonzero(column[1 : len(names)]) for column in graph.T]
    return [names[1 + int(each[0])] if len(each) else names[0] for each in there]
