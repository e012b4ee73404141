"""The pretrained policy as an agent that only steps: it scores edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from nas_agents.agent import Session, within
from nas_agents.pretrained.agent import DETOUR_COST, Pretrained, edit_policy, open_scores
from nas_agents.pretrained.search import PolicySearch


@dataclass(kw_only=True)
class PretrainedWalk(Pretrained):
    """The policy of `pretrained`, on the environment itself: at each step it scores the legal edits.

    The value of an edit is that of the network it leads to, read with the run so far; and since the edit
    graph and the steps left in the episode are known, that of what can be reached from there: the highest
    score of a network within the steps left, less a cost for each network on the way, which is evaluated,
    too (`nas_gym.traces.ValuePolicy`). Under a reward that counts the last network of an episode alone,
    nothing on the way costs anything. Where all edits are worth the same, one is drawn.

    The weights, what is read and how scores come about are those of `pretrained`. In a space of more than
    20,000 architectures plans lead through known networks only.

    A vector environment, ``gym.make_vec("NAS-v0", num_envs=8, autoreset_mode="same_step")``, is searched by
    as many walks side by side, which share what they find out and do not step to the same network at once.

    Attributes:
        detour_cost: what a network on the way that is not known costs, in the logarithm of how likely a
            network is the best: with .7 it has to be twice as likely for each such step.
    """

    name = "pretrained-walk"
    access = "walk"  # type: ignore[assignment]  # what a base class assigns narrows its type

    first: int = 2
    detour_cost: float = DETOUR_COST

    def __post_init__(self) -> None:
        super().__post_init__()
        within("detour_cost", self.detour_cost, 0, 100)

    def _search(self, search: PolicySearch, session: Session) -> None:
        walker = Walker(self, search, session)
        if isinstance(session.env, gym.vector.VectorEnv):
            self._side_by_side(session.env, walker)
        horizon = session.unwrapped.horizon
        while True:
            _, info = session.env.reset()
            steps, over = horizon, False
            while not over:
                (action,) = walker.actions([info["architecture"]], [info["action_mask"]], [steps])
                _, _, terminated, truncated, info = session.env.step(action)
                walker.tell()
                steps, over = steps - 1, terminated or truncated

    def _side_by_side(self, envs: gym.vector.VectorEnv[Any, Any, Any], walker: Walker) -> None:
        """Walk in all environments of a vector environment at once, whose walks share what they find out."""
        horizon = envs.unwrapped.horizon  # type: ignore[attr-defined]
        _, infos = envs.reset()
        steps = np.full(envs.num_envs, horizon)
        while True:
            actions = walker.actions(infos["architecture"], infos["action_mask"], steps)
            _, _, terminated, truncated, infos = envs.step(np.array(actions))
            walker.tell()
            over = terminated | truncated
            steps = np.where(over, horizon, steps - 1)
            if over.any() and envs.metadata["autoreset_mode"] is not AutoresetMode.SAME_STEP:
                _, infos = envs.reset(options={"reset_mask": over})


class Walker:
    """The choice of edits in one search, for one environment or for several that share a run.

    Args:
        agent: the settings.
        search: what the policy thinks of architectures.
        session: the search.
    """

    def __init__(self, agent: PretrainedWalk, search: PolicySearch, session: Session) -> None:
        self._agent, self._search, self._session = agent, search, session
        self._edits = edit_policy(session, detour_cost=agent.detour_cost)
        self._history = 0
        self._noise = np.zeros(0)
        self._fresh = True

    def actions(
        self, architectures: Sequence[str], masks: Sequence[np.ndarray], steps: Sequence[int] | np.ndarray
    ) -> list[int]:
        """Return for each state the edit of the highest value; no two lead to one architecture if it can be.

        Args:
            architectures: texts of the current states.
            masks: which edits are legal, (n,) each.
            steps: steps left in each episode, at least 1.
        """
        space = self._session.search_space
        here = [space.parse(text) for text in architectures]
        if self._fresh or not self._search.listed:
            self._judge([each for one in here for each in (one, *space.neighbours(one))])
        chosen, taken = list[int](), set[int]()
        for one, mask, left in zip(here, masks, steps, strict=True):
            legal = np.flatnonzero(mask)
            values = self._edits.edit_values(one, int(left), legal)[legal]
            after = [self._edits.after(one, int(action)) for action in legal]
            free = np.array([each not in taken for each in after])
            values = np.where(free, values, -np.inf) if free.any() else values
            best = np.flatnonzero(values >= values.max() - 1e-9)
            pick = int(best[0] if len(best) == 1 else self._session.rng.choice(best))
            chosen.append(int(legal[pick]))
            taken.add(after[pick])
        return chosen

    def tell(self) -> None:
        """Take in what the latest steps evaluated."""
        history = self._session.unwrapped.ledger.history
        for evaluation in history[self._history :]:
            if evaluation.fidelity is None:
                architecture = self._session.search_space.parse(evaluation.architecture)
                number = self._search.pool.numbers[architecture]
                self._search.tell(number, self._session.worth(evaluation))
                self._fresh = True
        self._history = len(history)

    def _judge(self, beside: list[Any]) -> None:
        search = self._search
        scores = search.scores(1 - self._session.progress(), beside)
        if len(search.known) < self._agent.first:
            # The largest of scores with Gumbel noise is a draw in proportion to their exponentials.
            grown = len(scores) - len(self._noise)
            self._noise = np.concatenate([self._noise, self._session.rng.gumbel(size=grown)])
            scores = scores + self._agent.temperature * self._noise
        self._edits.put(search.pool.architectures, open_scores(scores), list(search.known))
        self._fresh = False
