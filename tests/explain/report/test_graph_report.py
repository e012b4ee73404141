"""The report of a search on molecules, from the run to the page: message passing is drawn as such."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nas_agents.runs.run import RunSpec, run

from nas_gym.explain import explain
from tests.helpers.explain.drawing import draw_all

pytest.importorskip("rdkit")
pytest.importorskip("chemicals")

SPACE = {
    "name": "graph",
    "max_layers": 2,
    "widths": [8],
    "operations": ["gcn", "gin", "gat"],
    "jumping": ["concat"],
    "readouts": ["sum", "mean"],
}
TASK = {"name": "logp", "atoms": 10, "train_size": 200, "validation_size": 80, "test_size": 80}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_a_search_on_molecules_is_explained_to_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    env = {
        "search_space": SPACE,
        "task": TASK,
        "evaluator": {"name": "train", "recipe": {"epochs": 30}},
        "store": "memory",
        "initial": "plain_edges, sum, concat, no_norm: gcn-8 > gin-8",
    }
    run(RunSpec("q-learning", 14, str(folder), 0, "NAS-v0", env), keep_network=True)
    explanation = explain(folder, budget=20, store="memory")
    assert not explanation["network"].withheld
    assert not explanation["alternatives"].withheld
    for section in explanation.all_sections:
        draw_all(section)
    (drawing,) = explanation.summary.figures
    assert "(GCN)" in drawing.alternative or "(GIN)" in drawing.alternative or "(GAT)" in drawing.alternative

    markdown, page = ((folder / name).read_text("utf-8") for name in ("report.md", "report.html"))
    pictures = re.findall(r"!\[[^\]]*\]\((\S+\.png)\)", markdown)
    assert "report_figures/summary-network.png" in pictures
    assert "report_figures/network-atoms.png" in pictures
    assert all((folder / picture).stat().st_size > 1_000 for picture in pictures)
    drawn = page[page.index("a graph of at most 10 nodes") :]
    order = [
        "channels by",
        "over the nodes",
        "hidden layer of 32 units",
        "output: 1 value",
        "message passing:",
    ]
    places = [drawn.index(words) for words in order]
    assert places == sorted(places)
