"""Subwords: pieces of words that a training part has often, by the package sentencepiece."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from nas_gym.errors import ConfigError, DataError

SIZE = 500
"""Pieces that are learned where nobody says how many."""
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""What stands for a space at the start of a piece."""


def learned(texts: Sequence[str], size: int) -> str:
    """Return pieces that are learned from texts, as the text of a model, by byte-pair encoding.

    The two pieces that stand beside each other most often are joined, until there are so many pieces
    (Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", ACL 2016).

    Args:
        texts: texts of the training part.
        size: pieces; fewer are learned where texts do not have as many.

    Raises:
        NASGymError: if the package is missing, or texts have more characters than pieces may be.
    """
    model = io.BytesIO()
    try:
        _package().SentencePieceTrainer.train(
            sentence_iterator=iter([text for text in texts if text]),
            model_writer=model,
            model_type="bpe",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=1 << 20,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise DataError(
            f"{size} subwords cannot be learned from {len(texts):,} texts: pass other subwords= or "
            "unit='characters'"
        ) from error
    return base64.b64encode(model.getvalue()).decode("ascii")


def pieces(model: str, text: str) -> list[str]:
    """Return the pieces of a text by a model of `learned`."""
    found: list[str] = _processor(model).encode(text, out_type=str)
    return found


def joined(tokens: Sequence[str]) -> str:
    """Return the text of pieces."""
    return "".join(tokens).replace(SPACE, " ").strip()


@lru_cache(maxsize=8)
def _processor(model: str) -> Any:
    return _package().SentencePieceProcessor(model_proto=base64.b64decode(model))


def _package() -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise ConfigError(
            "subwords are learned and read by the package sentencepiece: install it with "
            "pip install 'nas-gym[text]', or pass unit='characters'"
        ) from error
    return sentencepiece
