"""Every program of the README and of the pages in docs runs as a newcomer would run it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.documentation.newcomer import MORE_PAGES, run, snippets


@pytest.mark.documentation
@pytest.mark.parametrize("page", ["README.md", *MORE_PAGES])
def test_the_python_snippets_run_as_one_program(page, folder):
    program = folder / f"{Path(page).stem}.py"
    program.write_text("\n".join(snippets(page, "python")))
    output = run([sys.executable, str(program)], folder)
    if page == "README.md":
        assert "Stats(" in output
        assert (folder / "products.pt").exists()
        assert re.search(r"^R² 0\.\d+ {'rmse': [\d.]+, 'mae': [\d.]+}$", output, re.MULTILINE)
    if page == "docs/own_data.md":
        assert re.search(r"^R² 0\.\d+ {'rmse'", output, re.MULTILINE)
    if page == "docs/other_libraries.md":
        assert (folder / "tensorboard_logs" / "by-hand" / "trace.jsonl").exists()
