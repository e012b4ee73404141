"""What hiding the atoms and the bonds of molecules shows, drawn on the molecules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from nas_gym.explain.evidence.example_names import truth_words
from nas_gym.explain.methods.attribution.hiding import EDGE, NODE, edge_ends
from nas_gym.explain.methods.attribution.occlusion import Occlusion
from nas_gym.explain.report import style
from nas_gym.explain.section import Figure
from nas_gym.tasks import GraphInputs, MoleculeForm, MoleculeLayout, Task, layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

ROWS, COLUMNS = 2, 4
DARKEST = 0.97
"""Quantile of the effects that has the darkest colour: one atom alone would make all others pale."""
LINES = {"single": (0.0,), "double": (-0.09, 0.09), "triple": (-0.14, 0.0, 0.14), "aromatic": (-0.09, 0.09)}
"""How far the lines of a bond lie beside it, as a share of its length."""


def figures_of(task: Task, hidden: Mapping[str, Occlusion], what: str) -> list[Figure]:
    """Return molecules, each atom and each bond coloured by what hiding it does.

    Args:
        task: the data.
        hidden: what hiding nodes does, and edges where there are any.
        what: what hiding changes, in words such as ``"the farther its answer moves"``.
    """
    if not isinstance(task.files, MoleculeForm):
        return []
    atoms = hidden[NODE]
    order = np.argsort(-np.nanmax(atoms.effects, axis=1), kind="stable")
    laid = [(int(row), layout(task.x_validation[atoms.rows[row]])) for row in order]
    drawn = [(row, one) for row, one in laid if one is not None][:: max(1, len(laid) // (ROWS * COLUMNS))]
    shown = [
        _Shown(one, atoms.effects[row], _of_bonds(hidden.get(EDGE), int(atoms.rows[row]), task, one), title)
        for row, one in drawn[: ROWS * COLUMNS]
        for title in [truth_words(task, int(atoms.rows[row]))]
    ]
    if not shown:
        return []
    sizes = np.abs(np.concatenate([np.concatenate([one.atoms, one.bonds]) for one in shown]))
    limit = max(float(np.nanquantile(sizes, DARKEST)), 1e-12)

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(ROWS, COLUMNS, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for panel, one in zip(panels, shown, strict=False):
            _draw_molecule(panel, one, limit)
            panel.set_title(one.title)

    return [
        Figure(
            "atoms",
            f"Validation molecules, atom by atom and bond by bond: the darker violet, {what} without the "
            "atom and its bonds, or without the bond alone; orange where it is more. Carbon is not named.",
            f"{len(shown)} molecules with their atoms and bonds coloured by what hiding each does.",
            draw,
            (7.0, 1.8 * ROWS),
        )
    ]


@dataclass(frozen=True, eq=False)
class _Shown:
    """A molecule that is drawn.

    Attributes:
        molecule: where its atoms lie.
        atoms: effect of each node of the graph, NaN where there is none.
        bonds: effect of each bond of the molecule, in its order.
        title: what is written above it.
    """

    molecule: MoleculeLayout
    atoms: np.ndarray
    bonds: np.ndarray
    title: str


def _of_bonds(found: Occlusion | None, row: int, task: Task, molecule: MoleculeLayout) -> np.ndarray:
    """Return the effect of each bond of a validation molecule; zeros where they were not hidden."""
    assert isinstance(task.coded, GraphInputs)
    at = np.zeros(0, dtype=np.int64) if found is None else np.flatnonzero(found.rows == row)
    if found is None or not len(at):
        return np.zeros(len(molecule.bonds))
    place = {ends: number for number, ends in enumerate(zip(*edge_ends(task.coded.nodes), strict=True))}
    return np.array([found.effects[at[0], place[one, other]] for one, other, _ in molecule.bonds])


def _draw_molecule(axes: Axes, shown: _Shown, limit: float) -> None:
    """Draw bonds as lines on a coloured band and atoms as discs."""
    molecule, colours = shown.molecule, mpl.colormaps[style.DIVERGING]
    places = molecule.positions
    for (one, other, kind), effect in zip(molecule.bonds, shown.bonds.tolist(), strict=True):
        whole = np.stack([places[one], places[other]])
        shade = colours(np.clip(0.5 + 0.5 * effect / limit, 0, 1))
        axes.plot(whole[:, 0], whole[:, 1], "-", color=shade, linewidth=7.0, zorder=1)
        step = places[other] - places[one]
        aside = np.array([-step[1], step[0]])
        for number, share in enumerate(LINES[kind]):
            ends = whole + share * aside
            dashes = ":" if kind == "aromatic" and number else "-"
            axes.plot(ends[:, 0], ends[:, 1], dashes, color=style.over(shade), linewidth=0.8, zorder=2)
    effects = shown.atoms[~np.isnan(shown.atoms)] / limit
    for symbol, place, effect in zip(molecule.symbols, places, effects.tolist(), strict=True):
        shade = colours(np.clip(0.5 + 0.5 * effect, 0, 1))
        axes.scatter(place[0], place[1], s=90, color=[shade], linewidths=0, zorder=3)
        if symbol != "C":
            axes.text(place[0], place[1], symbol, ha="center", va="center", color=style.over(shade), zorder=4)
    axes.set_aspect("equal")
    axes.margins(0.15)
