"""The environment of several objectives: its reward is a vector, in the conventions of MO-Gymnasium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from nas_gym.envs.base import INITIAL, Problem
from nas_gym.envs.nas_env import NASEnv
from nas_gym.envs.objectives.fronts import nondominated
from nas_gym.envs.objectives.objective import Objectives, make_objectives
from nas_gym.envs.objectives.vector_reward import VectorReward
from nas_gym.envs.vector.env import NASVectorEnv
from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators import Evaluation
from nas_gym.registry import options_of
from nas_gym.search_spaces import distances_from

PAID = ("final", "step")
USUAL = ("score", "parameters")
MOST_LISTED = 2**16


class MultiObjectiveProblem(Problem):
    """The parts that one environment of several objectives and many have in common."""

    reward: VectorReward

    @property
    def objectives(self) -> Objectives:  # type: ignore[override]  # None for the class of the others
        """The objectives, in the order of the reward's entries, with the scales of the costs."""
        return self.reward.objectives

    @property
    def reward_dim(self) -> int:
        """The number of objectives."""
        return len(self.objectives)

    def config(self) -> dict[str, Any]:
        paid = "final" if self.reward.episodic else "step"
        return super().config() | {"objectives": self.objectives.config(), "reward": {"name": paid}}

    def pareto_front(self, gamma: float = 1.0) -> list[np.ndarray]:
        """Return the exact front of discounted returns that policies can have, one vector a network.

        An episode is paid for its last network alone, so its return is ``gamma ** (horizon - 1)`` times
        the vector of that network, and the front is that of the networks that can be reached in `horizon`
        edits from the start state; of random start states, that of all networks.

        Args:
            gamma: the discount, in [0, 1].

        Returns:
            Vectors that no other one dominates, float64 (objectives,), each once, ascending.

        Raises:
            NASGymError: where every step is paid, or evaluations are not free, as they are on a table.
        """
        if not self.reward.episodic:
            raise ConfigError(
                "where every step is paid, a return mixes the networks of an episode, and its front is not "
                "known: pass reward='final', or ask pareto_networks() for the networks"
            )
        gains = self.objectives.gains(self.pareto_networks())
        return list(gamma ** (self.horizon - 1) * np.unique(gains, axis=0))

    def pareto_networks(self) -> list[Evaluation]:
        """Return the evaluations of all reachable networks that no other one dominates, by index.

        They are not requests of the run. Networks with equal gains are all given.

        Raises:
            NASGymError: if evaluations are not free, as they are on a table, or in a walk.
        """
        self._check_no_walk("ask for the front")
        space, evaluator = self.search_space, self.evaluator
        if not evaluator.free or space.size > MOST_LISTED:
            raise ConfigError(
                f"the exact front needs all {space.size:,} networks evaluated: it is known on tables, "
                "like NASBench201-v0's"
            )
        reachable = list(space)
        if self.initial not in INITIAL or self.initial == "smallest":
            start = space.smallest() if self.initial == "smallest" else space.resolve(self.initial)
            edits = distances_from(space, start, self.horizon)
            reachable = [each for each in reachable if each in edits]
        found = [one for one in evaluator.evaluate_architectures(reachable) if not one.failed]
        return [found[row] for row in np.flatnonzero(nondominated(self.objectives.gains(found)))]

    def _one_reward_space(self) -> spaces.Box:
        """Return the space of the vector of one step, float32 (objectives,)."""
        low = [each.lowest(self.evaluator) for each in self.objectives]
        high = [0.0 if each.is_cost else 1.0 for each in self.objectives]
        return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)


class NASMultiObjectiveEnv(MultiObjectiveProblem, NASEnv):
    """Neural architecture search for several objectives at once, in the conventions of MO-Gymnasium.

    All is as in `NASEnv` but the reward, which is a vector, float32 (objectives,), so the wrappers of
    MO-Gymnasium and the learners of MORL-Baselines work on it. `reward_space` is its `Box`,
    `reward_dim` its length.

    ## Rewards
    One entry for each of ``objectives``, higher is better. ``"score"``: the validation score, in
    [0, 1]. A cost (``"parameters"``, ``"flops"``, ``"latency"`` in milliseconds) is negated and
    divided by a scale: 0 at no cost, -1 at the scale. The scale is the highest cost of the table;
    without a table, the highest of 64 networks drawn with a fixed seed, and 1 ms of a latency that is
    measured; or yours: ``{"name": "parameters", "scale": 20000}``. A failed training has the score 0
    and costs of at least -1. ``"latency"`` needs an evaluator that gives it, see docs/objectives.md.

    ``reward="final"`` (default): zeros until the last step, then the vector of the last network, the
    only one evaluated; the horizon terminates and observations have ``steps_left``. So the return of an
    episode is the vector of a network, and `pareto_front` is exact. ``reward="step"``: the vector of the
    network after each step; the horizon truncates.

    ## Choice
    An agent for one objective, and what is reported as the choice of a search, go by the first
    objective.

    ## Arguments
    ```python
    import gymnasium as gym
    import nas_gym

    env = gym.make("NASMultiObjective-v0", objectives=("score", "parameters", "flops"),
                   evaluator={"name": "table", "benchmark": "mlp"}, reward="final")
    front = env.unwrapped.pareto_front(gamma=1.0)
    ```

    ## Version History
    * v0: initial version.

    Args:
        objectives: at least two of ``"score"``, ``"parameters"``, ``"flops"`` and ``"latency"``, or dicts
            of a name and a ``"scale"``.
        reward: ``"final"`` or ``"step"``.
        **problem: the other arguments of `NASEnv`.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    def __init__(self, objectives: Sequence[Any] = USUAL, reward: str = "final", **problem: Any) -> None:
        super().__init__(reward=_vector(objectives, reward), **problem)
        self.reward_space = self._one_reward_space()


class NASMultiObjectiveVectorEnv(MultiObjectiveProblem, NASVectorEnv):
    """`NASMultiObjectiveEnv` `num_envs` times, stepped together; rewards are (num_envs, objectives).

    As in MO-Gymnasium's vector environments, `reward_space` is that of all environments.

    Args:
        num_envs, autoreset_mode, max_episode_steps: see `NASVectorEnv`.
        objectives, reward: see `NASMultiObjectiveEnv`.
        **problem: the other arguments of `NASEnv`.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = "next_step",
        max_episode_steps: int | None = None,
        objectives: Sequence[Any] = USUAL,
        reward: str = "final",
        **problem: Any,
    ) -> None:
        made = _vector(objectives, reward)
        super().__init__(num_envs, autoreset_mode, max_episode_steps, reward=made, **problem)
        self.single_reward_space = self._one_reward_space()
        self.reward_space = spaces.Box(
            np.tile(self.single_reward_space.low, (self.num_envs, 1)),
            np.tile(self.single_reward_space.high, (self.num_envs, 1)),
            dtype=np.float32,
        )


def _vector(objectives: Sequence[Any], paid: Any) -> VectorReward:
    """Return the reward of some objectives."""
    if isinstance(paid, VectorReward):
        return paid
    options = options_of("reward", paid)
    paid = options.pop("name", None)
    if paid not in PAID or options:
        raise unknown("reward of several objectives", paid if not options else next(iter(options)), PAID)
    return VectorReward(make_objectives(objectives, least=2), episodic=paid == "final")
