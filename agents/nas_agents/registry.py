"""Agents by name: how they are built, and what they say of themselves without being imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.util import find_spec
from inspect import isabstract
from typing import Any, NamedTuple

from nas_agents.agent import Agent
from nas_gym.errors import ConfigError
from nas_gym.registry import build, lookup, options_of


class _Agents(Mapping[str, type[Agent]]):
    """Agent classes by name; a class is imported when it is first asked for."""

    def __init__(self, classes: dict[str, str]) -> None:
        self._classes = classes

    def __getitem__(self, name: str) -> type[Agent]:
        module, class_name = self.place(name)
        agent: type[Agent] = getattr(import_module(module), class_name)
        return agent

    def place(self, name: str) -> tuple[str, str]:
        """Return the module and the name of an agent's class, without importing it."""
        module, class_name = self._classes[name].split(":")
        return f"nas_agents.{module}", class_name

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


AGENTS = _Agents(
    {
        "random": "random_search:RandomSearch",
        "random-walk": "random_walk:RandomWalk",
        "greedy-walk": "greedy_walk:GreedyWalk",
        "q-learning": "q_learning:QLearning",
        "ppo": "sb3.ppo:MaskablePPO",
        "preference-ppo": "sb3.preference_ppo:PreferencePPO",
        "dqn": "sb3.dqn:DQN",
        "tpe": "optuna_samplers:TPE",
        "optuna-random": "optuna_samplers:OptunaRandom",
        "nsga2": "optuna_samplers:NSGA2",
        "brute-force": "brute_force:BruteForce",
        "evolution": "evolution:Evolution",
        "local-search": "local_search:LocalSearch",
        "reinforce": "reinforce:Reinforce",
        "successive-halving": "successive_halving:SuccessiveHalving",
        "hyperband": "hyperband:Hyperband",
        "model-based": "model_based.agent:ModelBased",
        "pretrained": "pretrained.agent:Pretrained",
        "pretrained-walk": "pretrained.walk:PretrainedWalk",
        "random-sharing": "one_shot.random_sharing:RandomSharing",
        "spos": "one_shot.spos:SPOS",
        "enas": "one_shot.enas:ENAS",
        "darts": "one_shot.darts:DARTS",
        "gdas": "one_shot.gdas:GDAS",
        "proxyless": "one_shot.proxyless:Proxyless",
        "drnas": "one_shot.drnas:DrNAS",
        "beta-darts": "one_shot.beta_darts:BetaDARTS",
        "pc-darts": "one_shot.pc_darts:PCDARTS",
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
        raise ConfigError(f"{name!r} is not an agent: derive it from nas_agents.Agent and give it a run()")
    return build(kind, "agent", options)


class Description(NamedTuple):
    """An agent in words.

    Attributes:
        access: ``"walk"``, ``"query"`` or ``"gradient"``.
        docstring: docstring of its class.
    """

    access: str
    docstring: str


def describe(name: str) -> Description:
    """Describe an agent of `nas_agents.AGENTS`.

    It is read from the source of its module and of those that its base classes are in; where there
    is no source, or the source says it by more than a plain text, the agent is imported.
    """
    module, class_name = AGENTS.place(name)
    docstring = _docstring(module, class_name)
    access = _access(module, class_name)
    if docstring and access:
        return Description(access, docstring)
    agent = AGENTS[name]
    return Description(agent.access, agent.__doc__ or "")


def _docstring(module: str, class_name: str) -> str:
    node = _classes(module).get(class_name)
    return "" if node is None else ast.get_docstring(node) or ""


def _access(module: str, class_name: str) -> str:
    """Return what a class, or the first of its bases that does, assigns to ``access``; "" for nothing."""
    node = _classes(module).get(class_name)
    if node is None:
        return ""
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "access" for target in targets):
            value = statement.value if isinstance(statement, ast.Assign) else None
            return str(value.value) if isinstance(value, ast.Constant) else ""
    for base in node.bases:
        if isinstance(base, ast.Name):
            found = _access(_origin(module, base.id), base.id)
            if found:
                return found
    return ""


def _origin(module: str, class_name: str) -> str:
    """Return the module of these agents that a name comes from."""
    for statement in _source(module).body:
        if (
            isinstance(statement, ast.ImportFrom)
            and (statement.module or "").startswith("nas_agents.")
            and class_name in (alias.asname or alias.name for alias in statement.names)
        ):
            return str(statement.module)
    return module


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _source(module).body if isinstance(node, ast.ClassDef)}


@cache
def _source(module: str) -> ast.Module:
    """Return the source of a module, without executing it; empty where there is none."""
    spec = find_spec(module)
    loader = None if spec is None else spec.loader
    source = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    return ast.parse(source or "")
