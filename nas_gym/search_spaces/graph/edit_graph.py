"""The edit graph of a search space: states by number, and where each edit leads, in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._shared import Shared
from nas_gym.search_spaces.graph.text import Text

if TYPE_CHECKING:
    from nas_gym.search_spaces.base import Architecture, SearchSpace

LARGEST_INDEXED = 2**16
FIRST_ROWS = 1024
# Where an action leads, besides to a state.
ILLEGAL, UNKNOWN = -1, -2


class EditGraph(Shared):
    """What environments look up of states: texts, legal edits and where they lead, observations.

    The row of a state is filled when the state is first visited, so that making an environment
    costs nothing for states nobody comes to. In a space of up to 65,536 architectures a state's
    number is its index; in a larger one it is the order of first visit, and the arrays grow.

    Args:
        space: search space of the states and edits.

    Attributes:
        space: the search space.
        words: the edits in words, `Text` with the action's number, object (n,).
        texts: texts of the states, `Text` with the state's number, object (rows,).
        masks: legal edits, int8 (rows, n).
        observations: observations by name, as `SearchSpace.observe` gives them, each (rows, ...).
    """

    def __init__(self, space: SearchSpace[Any]) -> None:
        self.space = space
        self._indexed = space.size <= LARGEST_INDEXED
        rows, actions = (space.size if self._indexed else FIRST_ROWS), len(space.actions)
        self.words = np.array([Text(str(edit), n) for n, edit in enumerate(space.actions)], dtype=object)
        self.texts = np.full(rows, None, dtype=object)
        self.masks = np.zeros((rows, actions), dtype=np.int8)
        self.observations = {
            name: np.zeros((rows, *(entry.shape or ())), dtype=entry.dtype)
            for name, entry in space.observation_space.spaces.items()
        }
        self._architectures: list[Any] = [None] * rows
        self._visited = np.zeros(rows, dtype=bool)
        # As small as it can be, since look-ups in it are as quick as the processor's cache allows.
        self._successors = np.full((rows, actions), UNKNOWN, dtype=np.int16 if rows < 2**15 else np.int32)
        self._numbers: dict[Architecture, int] = {}

    @property
    def rows(self) -> int:
        """How many states the arrays have room for; every number is below."""
        return len(self._visited)

    def number(self, architecture: Architecture) -> int:
        """Return the number of a state; its row is filled."""
        if self._indexed:
            number = self.space.index(architecture)
            if not self._visited[number]:
                self._fill(number, architecture)
            return number
        known = self._numbers.get(architecture)
        if known is not None:
            return known
        number = self._numbers[architecture] = len(self._numbers)
        if number == self.rows:
            self._double()
        self._fill(number, architecture)
        return number

    def architecture(self, number: int) -> Any:
        """Return the architecture of a visited state."""
        return self._architectures[number]

    def index(self, number: int) -> int:
        """Return the index in the search space of a visited state."""
        return number if self._indexed else self.space.index(self._architectures[number])

    def indices(self, numbers: np.ndarray) -> np.ndarray:
        """Return the indices in the search space of visited states, int64 (len(numbers),)."""
        return np.array(numbers if self._indexed else [self.index(number) for number in numbers.tolist()])

    def follow(self, number: int, action: int) -> tuple[int, bool]:
        """Return the state after an action from a visited one, and whether the action is legal."""
        after: int = self._successors.item(number, action)
        if after == ILLEGAL:
            return number, False
        if after == UNKNOWN or not self._visited[after]:
            after = self.number(self.space.apply(self._architectures[number], action))
            self._successors[number, action] = after
        return after, True

    def follow_all(self, numbers: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Follow, as `follow` does, as many states and actions: int64 and bool (len(numbers),)."""
        found = self._successors.take(numbers * len(self.words) + actions)
        legal = found != ILLEGAL
        after = np.where(legal, found, numbers)
        # An unknown successor looks up the last but one row here, which may be of a visited state.
        known = self._visited.take(after) if self._indexed else self._visited.take(after) & (after >= 0)
        if np.count_nonzero(known) < len(known):
            for row in np.flatnonzero(~known).tolist():
                after[row], _ = self.follow(int(numbers[row]), int(actions[row]))
        return after, legal

    def _fill(self, number: int, architecture: Any) -> None:
        edited = [self.space.edited(architecture, action) for action in range(len(self.words))]
        self.masks[number] = [after is not None for after in edited]
        if self._indexed:
            index = self.space.index
            self._successors[number] = [ILLEGAL if after is None else index(after) for after in edited]
        else:
            # Neighbours have no number before they are visited.
            self._successors[number, self.masks[number] == 0] = ILLEGAL
        self.texts[number] = Text(str(architecture), number)
        self._architectures[number] = architecture
        for name, values in self.space.observe(architecture).items():
            self.observations[name][number] = values
        self._visited[number] = True

    def _double(self) -> None:
        self.texts = _doubled(self.texts, None)
        self.masks = _doubled(self.masks, 0)
        self.observations = {name: _doubled(array, 0) for name, array in self.observations.items()}
        self._architectures += [None] * self.rows
        self._successors = _doubled(self._successors.astype(np.int32), UNKNOWN)
        self._visited = _doubled(self._visited, False)


def _doubled(array: np.ndarray, filling: Any) -> np.ndarray:
    """Return an array with as many rows again, of a filling."""
    return np.concatenate([array, np.full_like(array, filling)])
