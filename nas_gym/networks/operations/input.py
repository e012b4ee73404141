"""The input of a network."""

from __future__ import annotations

from nas_gym.networks.operations.base import Operation


class Input(Operation):
    """The examples themselves: node 0 of every network, which is given and never computed."""

    name = "input"
