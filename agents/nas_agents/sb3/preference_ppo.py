"""PPO of one policy for all preferences between several objectives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from nas_agents.agent import Session, UnderObjectives, check_discount
from nas_agents.sb3.common import learn, policy_for, reproducible
from nas_agents.sb3.ppo import MaskablePPO
from nas_agents.sb3.preferences import SCALARISATIONS, Preferences, PreferredPolicy
from nas_agents.warm_start import WarmStart
from nas_gym.errors import unknown


@dataclass(kw_only=True)
class PreferencePPO(MaskablePPO):
    """PPO with action masks, whose one policy sees what is wanted: weights of the objectives.

    Weights are drawn for every episode and are part of the observation, and the reward is the
    scalarisation by them (see `nas_agents.sb3.preferences.Preferences`). So what is learned under one
    preference serves others, and the policy that is handed out answers for any:
    ``result.policy.at([0.8, 0.2])``; as handed out and recorded it is that of equal weights. On an
    environment of one reward it is `MaskablePPO` with a constant in its observation.

    Sources: Abels et al., "Dynamic weights in multi-objective deep reinforcement learning", 2019; Yang
    et al., "A generalized algorithm for multi-objective reinforcement learning and policy adaptation",
    2019.

    Attributes:
        scalarisation: ``"chebyshev"``, which leads into hollows of the front too, or ``"linear"``.
    """

    name = "preference-ppo"
    access = "walk"
    under_objectives: ClassVar[UnderObjectives] = "front"

    # More steps an update than MaskablePPO's, so that it holds several episodes, each of another preference.
    tuned_on = ("mlp-mnist1d",)

    # What networks that score successors have; this one has an output for each action.
    outputs: str = field(default="actions", init=False)
    planning: int = field(default=0, init=False)
    beliefs: bool = field(default=False, init=False)
    novelty: float = field(default=0.0, init=False)
    episode: int | None = field(default=None, init=False)
    normalise: bool = field(default=False, init=False)
    demonstrations: int = field(default=0, init=False)
    warm_start: WarmStart | None = field(default=None, init=False)

    learning_rate: float = 3e-3
    n_steps: int = 120
    batch_size: int = 60
    n_epochs: int = 10
    gamma: float = 0.9
    ent_coef: float = 0.05
    width: int = 64
    scalarisation: str = "chebyshev"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scalarisation not in SCALARISATIONS:
            raise unknown("scalarisation", self.scalarisation, SCALARISATIONS)

    def run(self, session: Session) -> None:
        check_discount(self.gamma, session)
        policy_for(session.env)
        with reproducible():
            env = Preferences(session.env, self.scalarisation, session.rng)
            model = self.model(env, session.seed)
            own = session.env.observation_space
            session.watch(PreferredPolicy(session.search_space, model, own, env.weights * 0 + 1))
            learn(model, session.trace)
