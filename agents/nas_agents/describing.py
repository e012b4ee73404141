"""What an agent says of itself, read from its source: to import it can take seconds (torch, optuna)."""

from __future__ import annotations

import ast
from functools import cache
from importlib.abc import InspectLoader
from importlib.util import find_spec
from typing import NamedTuple

from nas_agents import AGENTS, class_of


class Description(NamedTuple):
    """An agent in words.

    Attributes:
        access: ``"walk"`` or ``"query"``.
        docstring: of its class.
    """

    access: str
    docstring: str


def describe(name: str) -> Description:
    """Describe an agent of `nas_agents.AGENTS`.

    It is read from the source of its module and of those that its base classes are in; where there
    is no source, or the source says it by more than a plain text, the agent is imported.
    """
    module, class_name = class_of(name)
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
    """The text that a class, or the first of its bases that does, assigns to ``access``; "" for none."""
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
    """The module of these agents that a name comes from."""
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
    """The source of a module, without executing it; empty where there is none."""
    spec = find_spec(module)
    loader = None if spec is None else spec.loader
    source = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    return ast.parse(source or "")
