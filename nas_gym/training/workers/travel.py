"""Members and results on their way between processes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch

from nas_gym._sources import MAIN, OURS, UNKNOWN, sources_of
from nas_gym.networks import Network, Node, Operation
from nas_gym.training.members import Member, Trained

_NODE = tuple(field.name for field in fields(Node))
_NONE = Network(())


class UnknownCode(Exception):  # noqa: N818 (an answer, not an error)
    """Members hold operations whose code is not here, or is other code."""


def packed(members: Sequence[Member]) -> bytes | None:
    """Return members as bytes for `unpacked` in another process.

    Returns:
        None if another process cannot have the code of their operations: of a class that the main
        program, a notebook or a function defines, or that was imported from a file that has changed.
    """
    try:
        own = _own_operations(members)
        if any(kind.__module__ in MAIN for kind in own):
            return None
        sources = _sources(own)
        if UNKNOWN in sources.values():
            return None
        return dumped((list(members), sources))
    except Exception:  # noqa: BLE001 (whatever a user's class does when it is pickled)
        return None


def unpacked(content: bytes) -> list[Member]:
    """Return the members of `packed`.

    Raises:
        UnknownCode: if a module of theirs cannot be imported here, or is not the one that it is there.
    """
    try:
        members: list[Member]
        members, sources = pickle.loads(content)  # noqa: S301 (of the process that started this one)
        alike = sources == _sources(_own_operations(members))
    except BaseException as error:
        raise UnknownCode from error
    if not alike:
        raise UnknownCode
    return members


def without_networks(results: Sequence[Trained]) -> list[Trained]:
    """Return results without the networks, which who asked for them has."""
    return [replace(result, network=_NONE) for result in results]


def with_networks(results: Sequence[Trained], members: Sequence[Member]) -> list[Trained]:
    """Return results with the networks of the members that they are of."""
    return [replace(result, network=member.network) for result, member in zip(results, members, strict=True)]


def dumped(value: object) -> bytes:
    """Pickle a value, nodes and arrays in the short."""
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is Node:
            return Node, tuple(getattr(value, name) for name in _NODE)
        if kind is torch.Tensor:
            # By itself a tensor brings the whole array along that it is a part of.
            return _tensor, (value.numpy(),)
        return NotImplemented


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array)


def _own_operations(members: Sequence[Member]) -> list[type[Operation]]:
    """The classes of operations that are not nas-gym's."""
    networks = {id(member.network): member.network for member in members}.values()
    kinds = dict.fromkeys(type(node.operation) for network in networks for node in network.nodes)
    return [kind for kind in kinds if kind.__module__.partition(".")[0] not in OURS]


def _sources(kinds: Sequence[type[Operation]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in kinds:
        found |= sources_of(kind)
    return found
