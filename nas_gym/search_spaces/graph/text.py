"""Texts of the environment's information: words for people, a number where only numbers fit."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np


class Text(str):
    """A str with the number of what it names.

    TorchRL makes tensors of all infos of a vector environment that resets in the same step, and fails
    on texts. It does so by the tree functions of torch, which `let_torch_stack_texts` tells to take the
    number instead; everything else sees a str.

    Args:
        text: the words.
        number: number of the state or action that they name.
    """

    __slots__ = ("number",)

    number: int

    def __new__(cls, text: str, number: int = 0) -> Text:
        """Make it; a str is made here, since it does not change afterwards."""
        made = super().__new__(cls, text)
        made.number = number
        return made


def let_torch_stack_texts() -> None:
    """Tell torch, where it is loaded, that the tensor of a text is its number."""
    if (tree := sys.modules.get("torch.utils._pytree")) is not None:
        _register(tree)


@cache
def _register(tree: Any) -> None:
    tree.register_pytree_node(Text, lambda text: ([text.number], None), _unflatten)


def _unflatten(numbers: Iterable[Any], _: None) -> Any:
    """Return an array of the numbers of several texts; of one number a text that has it."""
    (number,) = numbers
    return number if np.ndim(number) else Text("", int(number))
