"""The TensorBoard view of a policy: its preferences over time, and heat maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nas_gym.search_spaces import Edit
from nas_gym.traces.cadence import Cadence
from nas_gym.traces.policies.base import Policy, State, legal_weights
from nas_gym.traces.tensorboard.heat_map import MOST_STATES, TITLES, heat_map_picture
from nas_gym.traces.tensorboard.line_chart import line_chart
from nas_gym.traces.tensorboard.tags import (
    HEAT_MAP,
    START_EDITS,
    START_PICTURE,
    START_WEIGHTS,
    VISITED_WEIGHTS,
    About,
)
from nas_gym.traces.tensorboard.writer import Board

TOP_EDITS = 5
MOST_EDITS = 12


class PolicyDigest:
    """Shows a policy over edits in one run's TensorBoard.

    Args:
        board: events of the run.
        actions: the edits of the search space.
    """

    def __init__(self, board: Board, actions: Sequence[Edit]) -> None:
        self._board = board
        self._words = [str(action) for action in actions]
        self._visits: Counter[str] = Counter()
        self._states: dict[str, tuple[State, np.ndarray]] = {}
        self._episode: list[tuple[np.ndarray, np.ndarray]] = []
        self._start: tuple[State, np.ndarray] | None = None
        self._shown_edits: dict[int, None] = {}
        self._kind = ""
        self._curves: dict[str, list[tuple[int, float]]] = {}
        self._cadence = Cadence()
        numbered = ", ".join(f"{number} {word}" for number, word in enumerate(self._words))
        what = "Across: edits by number. Up: how much the policy prefers each, of 1 in all. Slices: steps."
        for tag, where in ((START_WEIGHTS, "in the run's first state"), (VISITED_WEIGHTS, "on average")):
            self._board.describe(tag, About(tag, f"{what} This is the policy {where}. Numbers: {numbered}."))

    def visit(self, state: State, mask: np.ndarray, scores: np.ndarray | None) -> None:
        """Count a visit; scores float64 (n,), of the policy before the step."""
        key = state.key
        if self._start is None:
            self._start = state, mask
        self._visits[key] += 1
        self._states.setdefault(key, (state, mask))
        if scores is not None:
            self._episode.append((scores, mask))

    def end_episode(self, policy: Policy | None, step: int) -> None:
        """Show the preferences in the episode that ended and at the run's first state."""
        visited, self._episode = self._episode, []
        if policy is None or not visited or not self._cadence.due():
            return
        scores, masks = (np.array(part) for part in zip(*visited, strict=True))
        self._board.weights(VISITED_WEIGHTS, legal_weights(policy.kind, scores, masks).mean(0), step)
        self._show_start(policy, step)

    def snapshot(self, policy: Policy | None, step: int) -> None:
        """Show the heat map of the states visited most."""
        if policy is None or not self._visits:
            return
        keys = [key for key, _ in self._visits.most_common(MOST_STATES)]
        states, masks = zip(*(self._states[key] for key in keys), strict=True)
        scores = policy.scores(states, np.array(masks))
        shown = np.flatnonzero((np.isfinite(scores) & masks).any(axis=1))
        if len(shown) == 0:
            return
        picture = heat_map_picture(
            scores[shown],
            np.array(masks)[shown],
            [keys[row] for row in shown],
            [self._visits[keys[row]] for row in shown],
            self._words,
            policy.kind,
        )
        self._board.image(HEAT_MAP, picture, step)

    def finish(self, step: int) -> None:
        """Show how the scores of the first state's edits came about, if they were ever shown."""
        curves = sorted(self._curves.items(), key=lambda curve: -curve[1][-1][1])
        lines = {words: points for words, points in curves if len(points) > 1}
        if lines:
            title = f"{TITLES.get(self._kind, self._kind)} of the best edits of the run's first state"
            picture = line_chart(lines, title, "step")
            self._board.image(START_PICTURE, picture, step)

    def _show_start(self, policy: Policy, step: int) -> None:
        assert self._start is not None
        state, mask = self._start
        self._kind = policy.kind
        scores = policy.scores([state], mask[None])[0]
        self._board.weights(START_WEIGHTS, legal_weights(policy.kind, scores, mask), step)
        legal = np.flatnonzero(mask & np.isfinite(scores))
        top = legal[np.argsort(-scores[legal], kind="stable")[:TOP_EDITS]]
        for action in top.tolist():
            if len(self._shown_edits) < MOST_EDITS:
                self._shown_edits.setdefault(action)
        values = {
            f"{START_EDITS}/{self._words[action]}": float(scores[action])
            for action in self._shown_edits
            if np.isfinite(scores[action])
        }
        self._board.curves(values, step)
        for tag, value in values.items():
            self._curves.setdefault(tag.partition("/")[2], []).append((step, value))


def decision_scalars(kind: str, scores: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Return how decided a policy is in one state.

    Of probabilities the entropy in nats among the legal edits, and the probability of choosing a
    legal one; of Q-values the highest and its distance from the second. Scores that are not finite
    count as absent.
    """
    legal = scores[mask & np.isfinite(scores)]
    if len(legal) == 0:
        return {}
    if kind == "probabilities":
        total = float(legal.sum())
        shares = legal[legal > 0] / total if total > 0 else np.ones(1)
        entropy = float(-(shares * np.log(shares)).sum())
        return {"policy/entropy": max(0.0, entropy), "policy/legal_probability": total}
    if len(legal) < 2:
        return {"policy/best_q_value": float(legal[0])}
    second, first = np.partition(legal, -2)[-2:].tolist()
    return {"policy/best_q_value": first, "policy/q_value_gap": first - second}
