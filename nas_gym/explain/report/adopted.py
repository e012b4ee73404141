"""What a report says of a network that was adopted after it was written, above its first section."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from nas_gym._files import write_text
from nas_gym.explain.report.html import marked
from nas_gym.explain.report.markdown import plain

RECORD = "adopted.json"
HEAD = "Which network was adopted?"
_HTML = re.compile(r'<section id="adopted".*?</section>\n', re.DOTALL)
_MARKDOWN = re.compile(rf"## {re.escape(HEAD)}\n.*?(?=^## )", re.DOTALL | re.MULTILINE)


def tell_adopted(folder: Path, html: str, markdown: str) -> None:
    """Write into the report of a folder what was adopted, where something was and there is a report.

    What is said of a network that was adopted before is replaced.

    Args:
        folder: folder of the report and of `adopted.json`.
        html: name of the web page.
        markdown: name of the same in Markdown.
    """
    try:
        words = json.loads((folder / RECORD).read_text(encoding="utf-8"))["words_of_report"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing was adopted, or by a version that did not tell
    if (folder / html).is_file():
        text = _HTML.sub("", (folder / html).read_text(encoding="utf-8"))
        write_text(folder / html, text.replace("<main>\n", f"<main>\n{_html(words)}", 1))
    if (folder / markdown).is_file():
        text = _MARKDOWN.sub("", (folder / markdown).read_text(encoding="utf-8"))
        told = "\n\n".join([f"## {HEAD}", *map(plain, words)])
        write_text(folder / markdown, text.replace("\n## ", f"\n{told}\n\n## ", 1))


def _html(words: Sequence[str]) -> str:
    told = "".join(f"<p>{marked(sentence)}</p>\n" for sentence in words)
    return (
        '<section id="adopted" class="answered" aria-labelledby="adopted-title">\n'
        f'<h2 id="adopted-title">{HEAD}</h2>\n{told}</section>\n'
    )
