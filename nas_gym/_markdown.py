"""Texts of others in Markdown: shown as they are, whatever markup they hold."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[\\*_\[\]<>|~`]")
# TensorBoard's Markdown takes fewer escapes than others; entities all of them take.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "|": "&#124;", "~": "&#126;", "`": "&#96;"}


def escaped(text: str) -> str:
    """Return a text, of one line, that Markdown shows as it is: no link, no HTML, no cell of a table."""
    text = " ".join(text.splitlines()).replace("&", "&amp;")
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), text)


def code(text: str) -> str:
    """Return a text shown as it is, in a fixed width where its letters allow it."""
    # In code, an entity would be shown as written, so a text with bars stays ordinary text.
    return escaped(text) if re.search(r"[|`\r\n]", text) or not text.strip() else f"`{text}`"
