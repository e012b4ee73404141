"""Deep Q-network with action masks (Mnih et al. 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from gymnasium import spaces

from nas_agents.agent import Agent, Environment, Session, check_discount, whole_number, within
from nas_agents.learning.options import check_flag, check_learning
from nas_agents.sb3.common import learn, policy_for, reproducible
from nas_agents.sb3.masked_dqn import MASK, MaskedDQN, unmasked_policy
from nas_agents.warm_start import WarmStart
from nas_gym.envs import ActionMaskObservation
from nas_gym.errors import unknown
from nas_gym.traces import NeuralPolicy

OUTPUTS = ("successors", "actions")


@dataclass(kw_only=True)
class DQN(Agent):
    """DQN that explores, acts and bootstraps among legal edits only, and judges networks, not edits.

    Q(s, a) is of the network that the edit leads to, by the same weights for all edits: by the choices of
    that network and by what a linear model of rewards expects of it, less what a network costs that was
    evaluated before. The replay memory holds real steps and steps that are simulated on the known edits and
    that model, side by side (see `nas_agents.sb3.dqn_on_successors`). After ten steps in a row that evaluated
    nothing new it restarts and goes to a network that was not evaluated, by a shortest way over the known
    edits (see `nas_agents.learning.escape`). With ``outputs="actions"`` it is plain DQN with
    masks: a network of two hidden layers with an output for each action, whose usual settings are
    ``learning_rate=1e-3, gamma=0.9, epsilon_start=1.0, width=64``.

    Sources: Mnih et al., "Human-level control through deep reinforcement learning", 2015; Sutton, "Dyna, an
    integrated architecture for learning, planning, and reacting", 1991.

    Attributes:
        outputs: ``"successors"``, a score of each edited network, or ``"actions"``, an output an action.
        learning_rate: learning rate of Adam.
        buffer_size: transitions in the replay memory, simulated ones too.
        learning_starts: steps, simulated ones too, of uniform legal edits before the first update; a
            demonstration acts in their place while it lasts.
        batch_size: transitions of an update.
        gamma: discount.
        gradient_steps: updates after each step.
        target_update_interval: steps, simulated ones too, between two copies to the target network.
        epsilon_start, epsilon_end: probability of a random edit at both ends, linear over the budget.
        width: units of a hidden layer.
        n_steps: rewards in a target before the maximum.
        planning: of successors: simulated environments beside the real one; 0 for none.
        beliefs: of successors: whether Q reads what the model of rewards expects of a network.
        novelty: of successors: what a step to a network that was evaluated before costs, in units of the
            spread of rewards.
        episode: of successors: steps after which the agent restarts by itself; None for the environment's
            horizon.
        normalise: of successors: whether rewards are centred and divided by their spread.
        demonstrations: of successors: first evaluations that a local search makes in its place, by steps that
            the replay memory keeps.
        warm_start: of successors: networks that demonstrations go to first, see
            `nas_agents.warm_start.starts`; None for none.
    """

    name = "dqn"
    access = "walk"
    under_objectives = "refused"

    outputs: str = "successors"
    learning_rate: float = 3e-3
    buffer_size: int = 10_000
    learning_starts: int = 20
    batch_size: int = 32
    gamma: float = 0.5
    gradient_steps: int = 1
    target_update_interval: int = 50
    epsilon_start: float = 0.1
    epsilon_end: float = 0.05
    width: int = 16
    n_steps: int = 1
    planning: int = 7
    beliefs: bool = True
    novelty: float = 3.0
    episode: int | None = None
    normalise: bool = True
    demonstrations: int = 10
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        if self.outputs not in OUTPUTS:
            raise unknown("outputs of DQN", self.outputs, OUTPUTS)
        within("learning_rate", self.learning_rate, 0, 1, above_low=True)
        whole_number("buffer_size", self.buffer_size, at_least=1)
        whole_number("learning_starts", self.learning_starts, at_least=0)
        whole_number("batch_size", self.batch_size, at_least=1)
        within("gamma", self.gamma, 0, 1)
        whole_number("gradient_steps", self.gradient_steps, at_least=1)
        whole_number("target_update_interval", self.target_update_interval, at_least=1)
        within("epsilon_start", self.epsilon_start, 0, 1)
        within("epsilon_end", self.epsilon_end, 0, 1)
        whole_number("width", self.width, at_least=1)
        whole_number("n_steps", self.n_steps, at_least=1)
        whole_number("planning", self.planning, at_least=0)
        check_flag("beliefs", self.beliefs)
        check_learning(self)

    def run(self, session: Session) -> None:
        check_discount(self.gamma, session)
        policy_for(session.env)
        if self.outputs == "successors":
            from nas_agents.sb3.dqn_on_successors import search_on_successors

            with reproducible():
                search_on_successors(self, session)
            return
        with reproducible():
            model = MaskedDQN(
                with_mask(session.env),
                epsilon=lambda: self.epsilon(session.progress()),
                policy_kwargs={"net_arch": [self.width, self.width]},
                seed=session.seed,
                **self.learning(),
            )
            assert model.env is not None
            # Exploration and the environment would draw the same bits otherwise.
            model.env.seed(session.env_seed)
            view = SimpleNamespace(policy=unmasked_policy(model, session.env.observation_space))
            session.watch(NeuralPolicy(session.search_space, view, "q_values"))
            learn(model, session.trace)

    def learning(self) -> dict[str, Any]:
        """Return how both forms learn, as keyword arguments of `stable_baselines3.DQN`."""
        return {
            "learning_rate": self.learning_rate,
            "buffer_size": self.buffer_size,
            "learning_starts": self.learning_starts,
            "batch_size": self.batch_size,
            "gamma": self.gamma,
            "train_freq": 1,
            "gradient_steps": self.gradient_steps,
            "n_steps": self.n_steps,
            "target_update_interval": self.target_update_interval,
            "device": "cpu",
        }

    def epsilon(self, progress: float) -> float:
        """Return the probability of a random edit when a part of the budget, in [0, 1], is spent."""
        return self.epsilon_start + progress * (self.epsilon_end - self.epsilon_start)


def with_mask(env: Environment) -> Environment:
    """Return the environment with the action mask in a Dict observation."""
    space = env.observation_space
    if not isinstance(space, spaces.Dict):
        return ActionMaskObservation(env, mask_key=MASK, observation_key="observation")
    return env if MASK in space.spaces else ActionMaskObservation(env, mask_key=MASK)
