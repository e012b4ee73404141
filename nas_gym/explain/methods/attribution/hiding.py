"""How parts of examples are hidden, by the kind of part; a kind is a line in `ways_of`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from nas_gym.explain.methods.attribution.sound_parts import SoundParts, sound_parts
from nas_gym.tasks import GraphInputs, Task, TokenInputs

TOKEN, NODE, EDGE, STRETCH, BAND = "token", "node", "edge", "stretch", "band"
SOUND = (STRETCH, BAND)
"""Parts of long signals, such as recordings."""


@dataclass(frozen=True)
class Hiding:
    """How parts of examples are hidden.

    Attributes:
        present: from examples (n, *shape) to where they have parts, bool (n, places).
        hidden: from examples, and a place for each, to the examples with that part hidden.
    """

    present: Callable[[np.ndarray], np.ndarray]
    hidden: Callable[[np.ndarray, np.ndarray], np.ndarray]


def ways_of(task: Task) -> Mapping[str, Hiding]:
    """Return how parts of a task's examples are hidden, by the kind of part; {} where nobody said how."""
    if isinstance(task.coded, TokenInputs):
        return {TOKEN: Hiding(lambda x: x > 1, _without_token)}
    if isinstance(task.coded, GraphInputs):
        return {NODE: _of_nodes(task.coded), EDGE: _of_edges(task.coded)}
    sound = sound_parts(task)
    if sound is None:
        return {}
    stretches = {STRETCH: _of_stretches(sound)}
    return stretches | ({BAND: _of_bands(sound)} if sound.bands else {})


def _without_token(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Hide a token by the code of what is unknown, the second of the vocabulary."""
    copy = x.copy()
    copy[np.arange(len(x)), places] = 1
    return copy


def _of_nodes(coded: GraphInputs) -> Hiding:
    """Hide a node with its features and its edges."""
    features = len(coded.features)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        copy, each = x.copy(), np.arange(len(x))
        copy[each, :, places] = 0
        copy[each, features + places] = 0
        return copy

    return Hiding(lambda x: x[:, 0] > 0, hidden)


def edge_ends(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the two nodes of each place of an edge, int64 (nodes * (nodes - 1) / 2,) each."""
    return np.triu_indices(nodes, 1)


def _of_edges(coded: GraphInputs) -> Hiding:
    """Hide an edge; the features of the nodes at its ends stay as they are."""
    features = len(coded.features)
    ones, others = edge_ends(coded.nodes)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        copy, each = x.copy(), np.arange(len(x))
        one, other = ones[places], others[places]
        copy[each, features + one, other] = copy[each, features + other, one] = 0
        return copy

    return Hiding(lambda x: x[:, features + ones, others] > 0, hidden)


def _of_stretches(sound: SoundParts) -> Hiding:
    """Hide a stretch of time by the mean of the training part, which is silence."""
    starts, ends = np.array(sound.stretches).T

    def present(x: np.ndarray) -> np.ndarray:
        """Return where something is heard: what fills a recording up is the same value all along."""
        pieces = [x[:, :, start:end] for start, end in sound.stretches]
        return np.stack([(np.ptp(piece, axis=2) > 0).any(axis=1) for piece in pieces], axis=1)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        points = np.arange(x.shape[2])
        inside = (points >= starts[places][:, None]) & (points < ends[places][:, None])
        return np.where(inside[:, None], 0.0, x)

    return Hiding(present, hidden)


def _of_bands(sound: SoundParts) -> Hiding:
    """Hide a band of frequencies: its part of the Fourier transform of the whole recording is 0."""
    of_band = sound.band_of_frequency()

    def present(x: np.ndarray) -> np.ndarray:
        return np.ones((len(x), len(sound.bands)), dtype=bool)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(x, axis=2)
        spectrum[np.broadcast_to((of_band == places[:, None])[:, None], spectrum.shape)] = 0
        without: np.ndarray = np.fft.irfft(spectrum, n=x.shape[2], axis=2)
        return without

    return Hiding(present, hidden)
