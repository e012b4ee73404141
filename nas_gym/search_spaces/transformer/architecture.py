"""The architectures of the transformer space: chains of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from nas_gym.search_spaces.description import activation_words

KINDS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "attention": ("heads", "qkv", "norm"),
    "feedforward": ("width", "activation", "norm"),
    "convolution": ("kernel", "activation", "norm"),
}
"""The kinds of blocks, each with what is chosen for it, in the order of the text."""
NORMS = {"layer": "layer norm", "rms": "RMS norm"}
PLAIN = "plain"
Value = int | str


def qkv_width(value: str) -> int:
    """Return the width of the convolutions of queries, keys and values; 0 for none."""
    return 0 if value == PLAIN else int(value.removeprefix("conv"))


def qkv_value(width: int) -> str:
    """Return how a width of the convolutions of queries, keys and values is written."""
    return f"conv{width}" if width else PLAIN


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its kind, and what is chosen for it, in the order of `KINDS`."""

    kind: str
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return "-".join(map(str, (self.kind, *self.values)))

    @property
    def chosen(self) -> dict[str, Value]:
        """What is chosen, by aspect."""
        return dict(zip(KINDS[self.kind], self.values, strict=True))

    @property
    def words(self) -> str:
        """The block as reports say it."""
        chosen = self.chosen
        norm = NORMS.get(str(chosen.get("norm")))
        match self.kind:
            case "attention":
                heads = f"{chosen['heads']} head{'s' if chosen['heads'] != 1 else ''}"
                width = qkv_width(str(chosen["qkv"]))
                qkv = f", convolutions of width {width}" if width else ""
                return f"attention with {heads}{qkv} and {norm}"
            case "feedforward":
                activation = activation_words(str(chosen["activation"]))
                return f"a feed-forward block of {chosen['width']} units with {activation} and {norm}"
            case "convolution":
                activation = activation_words(str(chosen["activation"]))
                return f"a separable convolution of width {chosen['kernel']} with {activation} and {norm}"
            case _:
                return "nothing"


@dataclass(frozen=True, slots=True)
class Transformer:
    """A chain of blocks, from the input to the output."""

    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        return " > ".join(map(str, self.blocks))


def every_block(kinds: Sequence[str], options: Mapping[str, Sequence[Value]]) -> list[Block]:
    """Return the blocks that some kinds and the values of each aspect allow, the first of each kind first."""
    return [
        Block(kind, values)
        for kind in kinds
        for values in product(*(options[aspect] for aspect in KINDS[kind]))
    ]


def of_kind(kind: str, before: Block, options: Mapping[str, Sequence[Value]]) -> Block:
    """Return a block of a kind with what `before` has in common with it, the first values for the rest."""
    kept = before.chosen
    return Block(kind, tuple(kept.get(aspect, options[aspect][0]) for aspect in KINDS[kind]))


def swaps_between(one: Block, other: Block, options: Mapping[str, Sequence[Value]]) -> int:
    """Return how many swaps make a block another one, if the kind is swapped at most once."""
    start = one if one.kind == other.kind else of_kind(other.kind, one, options)
    different = sum(here != there for here, there in zip(start.values, other.values, strict=True))
    return different + (one.kind != other.kind)
