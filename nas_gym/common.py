"""What packages that build on nas-gym, such as its agents, use of its small private files.

| names | what they do |
|---|---|
| `number`, `whole`, `plain` | take a number of any library for what it is |
| `write_text`, `write_bytes`, `writing`, `unwritten`, `held` | write files whole and alone, or say why not |
| `escaped`, `code` | show a text of others in Markdown |
| `minutes_in_words` | says a time |
| `trust`, `trusted` | hand on to other processes what files may name |
| `SERIES`, `INK`, `FAINT`, `MUTED` | colours of figures |
"""

from __future__ import annotations

from nas_gym._checks import number, plain, whole
from nas_gym._clock import minutes_in_words
from nas_gym._colours import FAINT, INK, MUTED, SERIES
from nas_gym._files import unwritten, write_bytes, write_text, writing
from nas_gym._lock import held
from nas_gym._markdown import code, escaped
from nas_gym._trust import trust, trusted

__all__ = [
    "FAINT",
    "INK",
    "MUTED",
    "SERIES",
    "code",
    "escaped",
    "held",
    "minutes_in_words",
    "number",
    "plain",
    "trust",
    "trusted",
    "unwritten",
    "whole",
    "write_bytes",
    "write_text",
    "writing",
]
