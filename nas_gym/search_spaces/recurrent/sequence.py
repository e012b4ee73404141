"""What recurrent spaces read and answer: tokens or a signal, one answer or one at each position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import NetworkBuilder, Shape
from nas_gym.search_spaces.options import whole


@dataclass(frozen=True)
class SequenceForm:
    """How a sequence comes in and what is asked of it.

    Attributes:
        vocabulary: number of codes of tokens, the padding among them; 0 of a signal.
        lengths: lengths of the sequences of an example of tokens; () of a signal.
        positions: answers of an example, one at each position; 0 where there is one for the whole.
        causal: whether an answer must not see what follows its position.
        length: steps of the sequence.
    """

    vocabulary: int
    lengths: tuple[int, ...]
    positions: int
    causal: bool
    length: int

    @classmethod
    def of(
        cls,
        space: str,
        input_shape: Shape,
        vocabulary: int,
        lengths: Sequence[int],
        positions: int,
        causal: bool,
    ) -> SequenceForm:
        """Return the form of a task that a space is built for.

        Raises:
            NASGymError: if its examples are neither tokens nor signals, several sequences, or asked for
                answers at other positions than its own.
        """
        if vocabulary:
            codes = whole(f"vocabulary of the {space} space", vocabulary)
            given = tuple(whole(f"each of the lengths of the {space} space", each) for each in lengths)
            given = given or tuple(input_shape)
            if len(given) > 1:
                raise ConfigError(
                    f"the {space} space reads one sequence, and an example has {len(given)}: "
                    "pass search_space='seq2seq'"
                )
            if tuple(input_shape) != given:
                raise ConfigError(f"tokens of lengths {list(given)} have no input shape {tuple(input_shape)}")
        elif len(input_shape) == 2:
            codes, given = 0, ()
        else:
            raise ConfigError(
                f"the {space} space needs tokens or signals (channels, length), not input shape "
                f"{tuple(input_shape)}: use search_space='mlp', which takes any shape"
            )
        length = int(input_shape[-1])
        if positions not in (0, length):
            raise ConfigError(
                f"the {space} space answers at each of {length} positions of the input, not at {positions}: "
                "pass search_space='seq2seq', or another task"
            )
        return cls(codes, given, positions, bool(causal) and positions > 0, length)

    @property
    def config(self) -> dict[str, Any]:
        """The options of the space that say this, JSON-able."""
        return {
            "vocabulary": self.vocabulary,
            "lengths": list(self.lengths),
            "positions": self.positions,
            "causal": self.causal,
        }

    def begin(self, builder: NetworkBuilder, embedding: int) -> tuple[int, int | None]:
        """Append what a network reads: the sequence (channels, length), and the mask of tokens."""
        if not self.vocabulary:
            return builder.input, None
        mask = builder.padding_mask(builder.input)
        node = builder.embedding(builder.input, embedding, codes=self.vocabulary, layer="embedding")
        return node, mask

    def check(self, space: str, outputs: int) -> None:
        """Check that there are as many outputs for each position.

        Raises:
            NASGymError: if there are not.
        """
        if self.positions and outputs % self.positions:
            raise ConfigError(
                f"the {space} space answers at {self.positions} positions, of which {outputs} outputs are no "
                "multiple: pass the outputs of the task"
            )

    def end(self, builder: NetworkBuilder, node: int, outputs: int) -> int:
        """Append the answers: of a vector (channels,), or of each position of (channels, length)."""
        if not self.positions:
            return builder.linear(node, outputs, layer="output")
        names = outputs // self.positions
        return builder.flatten(builder.conv(node, names, 1, bias=True, layer="output"), layer="output")
