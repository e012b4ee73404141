"""What a newcomer finds in the pages, and runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MORE_PAGES = [
    "docs/offline_data.md",
    "docs/other_libraries.md",
    "docs/own_data.md",
    "docs/own_parts.md",
    "docs/pretrained.md",
    "docs/proxies.md",
]
"""Pages whose snippets are a program of their own."""


def snippets(page, language):
    """The snippets of a page in a language, in order."""
    fences = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return [code for of, code in fences if of == language]


def run(arguments, folder):
    """Run a program in the newcomer's folder; its output, or a failed test with its errors."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "120"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
