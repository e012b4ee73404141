"""Agents that search nas-gym environments: one file each; adding one is adding a file and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import isabstract
from typing import TYPE_CHECKING, Any

from nas_agents.agent import Agent
from nas_agents.result import Result
from nas_gym.errors import NASGymError
from nas_gym.registry import build, lookup, options_of

if TYPE_CHECKING:
    from nas_agents.brute_force import BruteForce
    from nas_agents.evolution import Evolution
    from nas_agents.greedy_walk import GreedyWalk
    from nas_agents.hyperband import Hyperband
    from nas_agents.local_search import LocalSearch
    from nas_agents.model_based.agent import ModelBased
    from nas_agents.optuna_samplers import NSGA2, TPE, OptunaRandom
    from nas_agents.q_learning import QLearning
    from nas_agents.random_search import RandomSearch
    from nas_agents.random_walk import RandomWalk
    from nas_agents.reinforce import Reinforce
    from nas_agents.sb3.dqn import DQN
    from nas_agents.sb3.ppo import MaskablePPO
    from nas_agents.successive_halving import SuccessiveHalving

_MODULES = {
    "RandomSearch": "random_search",
    "RandomWalk": "random_walk",
    "GreedyWalk": "greedy_walk",
    "QLearning": "q_learning",
    "MaskablePPO": "sb3.ppo",
    "DQN": "sb3.dqn",
    "TPE": "optuna_samplers",
    "OptunaRandom": "optuna_samplers",
    "NSGA2": "optuna_samplers",
    "BruteForce": "brute_force",
    "Evolution": "evolution",
    "LocalSearch": "local_search",
    "Reinforce": "reinforce",
    "SuccessiveHalving": "successive_halving",
    "Hyperband": "hyperband",
    "ModelBased": "model_based.agent",
}

__all__ = [
    "AGENTS",
    "DQN",
    "NSGA2",
    "TPE",
    "Agent",
    "BruteForce",
    "Evolution",
    "GreedyWalk",
    "Hyperband",
    "LocalSearch",
    "MaskablePPO",
    "ModelBased",
    "OptunaRandom",
    "QLearning",
    "RandomSearch",
    "RandomWalk",
    "Reinforce",
    "Result",
    "SuccessiveHalving",
    "make_agent",
]


class _Agents(Mapping[str, type[Agent]]):
    """Agent classes by name; a class is imported when it is first asked for."""

    def __init__(self, classes: dict[str, str]) -> None:
        self._classes = classes

    def __getitem__(self, name: str) -> type[Agent]:
        agent: type[Agent] = __getattr__(self.class_name(name))
        return agent

    def class_name(self, name: str) -> str:
        """The name of an agent's class."""
        return self._classes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


AGENTS = _Agents(
    {
        "random": "RandomSearch",
        "random-walk": "RandomWalk",
        "greedy-walk": "GreedyWalk",
        "q-learning": "QLearning",
        "ppo": "MaskablePPO",
        "dqn": "DQN",
        "tpe": "TPE",
        "optuna-random": "OptunaRandom",
        "nsga2": "NSGA2",
        "brute-force": "BruteForce",
        "evolution": "Evolution",
        "local-search": "LocalSearch",
        "reinforce": "Reinforce",
        "successive-halving": "SuccessiveHalving",
        "hyperband": "Hyperband",
        "model-based": "ModelBased",
    }
)


def make_agent(spec: str | Mapping[str, Any] | Agent) -> Agent:
    """Build an agent from its name, a dict with ``"name"`` and hyperparameters, or an agent as it is.

    An agent of your own goes by its import path, ``"module:Name"``.

    Raises:
        NASGymError: if the name or a hyperparameter is unknown or out of range.
    """
    if isinstance(spec, Agent):
        return spec
    options = options_of("agent", spec)
    name = options.pop("name", None)
    kind = lookup("agent", name, AGENTS)
    if not isinstance(kind, type) or not issubclass(kind, Agent) or isabstract(kind):
        raise NASGymError(f"{name!r} is no agent: derive it from nas_agents.Agent and give it a run()")
    return build(kind, "agent", options)


def class_of(name: str) -> tuple[str, str]:
    """Return the module and the name of an agent's class, without importing it."""
    class_name = AGENTS.class_name(name)
    return f"nas_agents.{_MODULES[class_name]}", class_name


def __getattr__(name: str) -> Any:
    # stable-baselines3 and optuna take seconds to import, so only the agents that need them do.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"nas_agents.{_MODULES[name]}"), name)
