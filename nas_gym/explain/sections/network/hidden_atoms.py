"""What hiding the atoms of molecules shows, drawn on the molecules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from nas_gym.explain.methods.attribution.occlusion import Occlusion
from nas_gym.explain.report import style
from nas_gym.explain.section import Figure
from nas_gym.tasks import GraphInputs, MoleculeForm, MoleculeLayout, Task, atom_labels, layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

ROWS, COLUMNS = 2, 4
LINES = {"single": (0.0,), "double": (-0.09, 0.09), "triple": (-0.14, 0.0, 0.14), "aromatic": (-0.09, 0.09)}
"""How far the lines of a bond lie beside it, as a share of its length."""


def noun_of(task: Task) -> str:
    """Return what a node of a graph is called."""
    return "atom" if isinstance(task.files, MoleculeForm) else "node"


def labels_of(task: Task, graph: np.ndarray) -> list[str]:
    """Return what each node of a graph is called: an element, or its first feature that is there."""
    if isinstance(task.files, MoleculeForm):
        return atom_labels(graph)
    assert isinstance(task.coded, GraphInputs)
    names = task.coded.features
    there = [np.flatnonzero(column[1 : len(names)]) for column in graph.T]
    return [names[1 + int(each[0])] if len(each) else names[0] for each in there]


def figures_of(use: NetworkUse, found: Occlusion, what: str) -> list[Figure]:
    """Return molecules, each atom coloured by what hiding it does.

    Args:
        use: what was measured of the network.
        found: what hiding atoms does.
        what: what hiding changes, in words such as ``"the farther its answer moves"``.
    """
    task = use.trained.task
    if not isinstance(task.files, MoleculeForm):
        return []
    order = np.argsort(-np.nanmax(found.effects, axis=1), kind="stable")
    laid = [(int(row), layout(task.x_validation[found.rows[row]])) for row in order]
    shown = [(row, one) for row, one in laid if one is not None][:: max(1, len(laid) // (ROWS * COLUMNS))]
    shown = shown[: ROWS * COLUMNS]
    if not shown:
        return []
    limit = max(max(float(np.nanmax(np.abs(found.effects[row]))) for row, _ in shown), 1e-12)

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(ROWS, COLUMNS, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for panel, (row, molecule) in zip(panels, shown, strict=False):
            effects = found.effects[row][~np.isnan(found.effects[row])]
            _draw_molecule(panel, molecule, effects / limit)
            panel.set_title(_truth(task, int(found.rows[row])))

    return [
        Figure(
            "atoms",
            f"Validation molecules, atom by atom: the darker violet, {what} without the "
            "atom and its bonds; orange where it is more. Carbon is not named.",
            f"{len(shown)} molecules with their atoms coloured by what hiding each does.",
            draw,
            (7.0, 1.8 * ROWS),
        )
    ]


def _draw_molecule(axes: Axes, molecule: MoleculeLayout, effects: np.ndarray) -> None:
    """Draw bonds as lines and atoms as discs; `effects` are in [-1, 1], one an atom."""
    places, colours = molecule.positions, mpl.colormaps[style.DIVERGING]
    for one, other, kind in molecule.bonds:
        step = places[other] - places[one]
        aside = np.array([-step[1], step[0]])
        for number, share in enumerate(LINES[kind]):
            ends = np.stack([places[one], places[other]]) + share * aside
            dashes = ":" if kind == "aromatic" and number else "-"
            axes.plot(ends[:, 0], ends[:, 1], dashes, color=style.muted(), linewidth=1.0, zorder=1)
    for symbol, place, effect in zip(molecule.symbols, places, effects.tolist(), strict=True):
        shade = colours(0.5 + 0.5 * effect)
        axes.scatter(place[0], place[1], s=90, color=[shade], linewidths=0, zorder=2)
        if symbol != "C":
            axes.text(place[0], place[1], symbol, ha="center", va="center", color=style.over(shade), zorder=3)
    axes.set_aspect("equal")
    axes.margins(0.15)


def _truth(task: Task, row: int) -> str:
    """Return what is right of a validation example."""
    if task.target.kind == "classes":
        return str(task.target.names[int(task.y_validation[row])])
    if task.target.kind == "values" and len(task.target.names) == 1:
        form = task.target.answer_form
        return f"{task.y_validation[row, 0] * form.scale[0] + form.mean[0]:.4g}"
    return f"number {row + 1}"
