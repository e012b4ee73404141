"""One model of the edited network's value, which all actions share: Q(s, a) = W(s')."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_agents.learning.experience import MEMBERS, NOISE, Experience
from nas_agents.learning.linear_model import LinearModel
from nas_agents.learning.states import NONE, with_room

SWEEPS = 2
"""Fitted iterations after an evaluation; values begin where the ones before ended."""
SWEEPS_OF_THE_MEAN = 10
REFITS = 30
"""Of many evaluations, values are fitted again when there are a thirtieth more."""
SIMULATED_STEPS = 4
MOST_SIMULATED = 500


class SuccessorValues:
    """W(s') = r(s') + gamma max W(s''), linear in the features of a network: its reward and what follows.

    The edits of a network are known, so that the maximum is over all networks one edit away, whether or not a
    step has led there, and what was learned of one network tells of all that share choices with it. After an
    evaluation all remembered steps are fitted at once (fitted Q-iteration; Ernst et al. 2005), which is as
    many gradient steps as one likes. Of many evaluations that is done when there are a thirtieth more, so
    that what a search takes grows little faster than its budget.

    Planning is Dyna's: walks are simulated on the edit graph from evaluated networks, their rewards are those
    that the reward model expects, and they are learned from like steps. It evaluates nothing.

    Args:
        experience: what was seen, with the reward model.
        gamma: discount.
        n_steps: rewards of the walk in a target before the maximum.
        planning: simulated steps after each evaluation.
        novelty: what an edit to an evaluated network costs, see `nas_agents.learning.experience`.
        rng: generator of the draws.

    Attributes:
        weights: those of the member that acts, times the scales of columns, float64 (width,).
    """

    def __init__(
        self,
        experience: Experience,
        *,
        gamma: float,
        n_steps: int,
        planning: int,
        novelty: float,
        rng: np.random.Generator,
    ) -> None:
        self._experience, self._states, self._rng = experience, experience.states, rng
        self._gamma, self._n, self._planning, self._novelty = gamma, n_steps, planning, novelty
        self._model = LinearModel(self._states, NOISE, MEMBERS, rng)
        # Of each row, with room for more: the rewards of its n-step target, NaN where it has fewer, whether
        # anything follows, and the networks that do, by their places among those reached; 0 is of none.
        self._count = 0
        self._rewards = np.zeros((0, n_steps))
        self._goes_on = np.zeros(0, dtype=bool)
        self._after = np.zeros((0, self._states.actions), dtype=np.int32)
        # Of each network: whether its row is a simulated step.
        self._is_simulated = np.zeros(0, dtype=bool)
        # Rows lead to the same networks, which are judged once.
        self._reached = np.zeros(1, dtype=np.int64)
        self._reached_count = 1
        self._places = np.zeros(0, dtype=np.int32)
        self._fitted_at = 0
        self._members: dict[int, tuple[int, np.ndarray]] = {}
        self.member: int | None = None
        self.weights = self._mean = np.zeros(self._states.width)
        self._mean_of = -1

    def draw_member(self) -> None:
        """Let another draw from the posterior act, as at the start of each episode."""
        self.member = int(self._rng.integers(MEMBERS))
        fitted_at, weights = self._members.get(self.member, (-1, self.weights))
        if self._is_due(fitted_at):
            self._fit_member()
        else:
            self.weights = weights

    def learn(self, numbers: Sequence[int], rewards: Sequence[float], terminal: bool) -> None:
        """Learn from the end of a walk; values change by `refit`.

        Args:
            numbers: the latest networks of the walk, at most n; the first one's target is set.
            rewards: their rewards.
            terminal: whether nothing follows the last.
        """
        self._set(numbers[0], rewards, NONE if terminal else numbers[-1])

    def refit(self) -> None:
        """Fit values to all steps, if there are enough more of them; plan first."""
        if self._is_due(self._fitted_at):
            self._fitted_at = len(self._experience)
            if self._planning and np.count_nonzero(self._is_simulated) < MOST_SIMULATED:
                self._simulate()
            self._fit_member()

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """Return W by the member that acts, less what a repeat costs, float64 (networks,)."""
        return self._judged(numbers, self.weights, self._novelty)

    def mean_values(self, numbers: np.ndarray) -> np.ndarray:
        """Return the mean of W over the posterior, without any cost of repeats, float64 (networks,)."""
        if self._mean_of != self._fitted_at:
            self._mean = self._fitted(self._mean, None, 0.0, SWEEPS_OF_THE_MEAN)
            self._mean_of = self._fitted_at
        return self._judged(numbers, self._mean, 0.0)

    def _judged(self, numbers: np.ndarray, weights: np.ndarray, novelty: float) -> np.ndarray:
        found = self._model.values(numbers, weights)
        return np.asarray(found - novelty * self._experience.known(numbers)) if novelty else found

    def _is_due(self, fitted_at: int) -> bool:
        """Return whether what was fitted to so many evaluations is to be fitted again."""
        count = len(self._experience)
        return count > fitted_at + count // REFITS

    def _fit_member(self) -> None:
        self.weights = self._fitted(self.weights, self.member, self._novelty, SWEEPS)
        if self.member is not None:
            self._members[self.member] = len(self._experience), self.weights

    def _set(self, number: int, rewards: Sequence[float], end: int) -> None:
        row = self._model.add(number)
        self._count = max(self._count, row + 1)
        self._rewards = with_room(self._rewards, self._count)
        self._goes_on = with_room(self._goes_on, self._count)
        self._after = with_room(self._after, self._count)
        self._is_simulated = with_room(self._is_simulated, self._states.graph.rows)
        self._rewards[row, len(rewards) :] = np.nan
        self._rewards[row, : len(rewards)] = rewards
        self._goes_on[row] = end != NONE
        if end != NONE:
            self._after[row] = self._places_of(self._states.padded_after([end])[0])
        self._is_simulated[number] = False

    def _places_of(self, after: np.ndarray) -> np.ndarray:
        """Return the places of networks among those reached, 0 for `NONE`."""
        self._places = with_room(self._places, self._states.graph.rows)
        legal = after[after != NONE]
        fresh = np.unique(legal[self._places[legal] == 0])
        first, self._reached_count = self._reached_count, self._reached_count + len(fresh)
        self._reached = with_room(self._reached, self._reached_count)
        self._reached[first : self._reached_count] = fresh
        self._places[fresh] = np.arange(first, self._reached_count)
        return np.where(after == NONE, 0, self._places[after])

    def _fitted(self, weights: np.ndarray, member: int | None, novelty: float, sweeps: int) -> np.ndarray:
        """Return weights after some fitted iterations that begin with some."""
        for _ in range(sweeps):
            weights = self._model.weights(self._targets(weights, member, novelty), member)
        return weights

    def _targets(self, weights: np.ndarray, member: int | None, novelty: float) -> np.ndarray:
        """Return the targets of all rows by these weights, float64 (rows,)."""
        if not self._count:
            return np.zeros(0)
        rows, rewards = np.array(self._model.rows, dtype=np.int64), self._rewards[: self._count]
        given, simulated = np.isfinite(rewards), self._is_simulated[rows]
        scaled = np.where(given, self._experience.scale(np.where(given, rewards, 0.0)), 0.0)
        found = scaled @ self._gamma ** np.arange(self._n)
        if simulated.any():
            found[simulated] = self._experience.expected(rows[simulated], member)
        goes_on = self._goes_on[: self._count]
        if goes_on.any() and self._gamma:
            judged = np.full(self._reached_count, -np.inf)
            judged[1:] = self._judged(self._reached[1 : self._reached_count], weights, novelty)
            best = judged[self._after[: self._count][goes_on]].max(axis=1)
            found[goes_on] += self._gamma ** given[goes_on].sum(axis=1) * best
        return np.asarray(found)

    def _simulate(self) -> None:
        """Walk on the edit graph from evaluated networks, to the best others by the values as they are."""
        evaluated = list(self._experience.rewards)
        for step in range(self._planning):
            if step % SIMULATED_STEPS == 0:
                here = evaluated[int(self._rng.integers(len(evaluated)))]
            _, after = self._states.after(here)
            self._is_simulated = with_room(self._is_simulated, self._states.graph.rows)
            fresh = after[~(self._experience.known(after) | self._is_simulated[after])]
            if len(fresh):
                values = self.values(fresh)
                here = int(self._rng.choice(fresh[values == values.max()]))
                self._set(here, [0.0], here)
                self._is_simulated[here] = True
