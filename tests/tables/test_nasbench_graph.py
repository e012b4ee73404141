"""NAS-Bench-Graph: plain numbers are read, whatever else a file asks for is refused."""

from __future__ import annotations

import os
import pickle
from importlib.metadata import distribution
from pathlib import Path

import pytest

from nas_gym.errors import ConfigError, DataError
from nas_gym.tables.importers.nasbench_graph import read_nasbench_graph


@pytest.mark.slow
def test_the_published_figures_are_those_of_the_paper_s_files() -> None:
    path = Path(str(distribution("nas-bench-graph").locate_file("nas_bench_graph/light/arxiv.bench")))
    table = read_nasbench_graph(path, "arxiv")
    assert table.size == 59_049
    assert table.failed.sum() == 9  # nothing but skips
    best = int(table.validation[0, :, 0].argmax())
    assert table.test.max() == pytest.approx(0.7239, abs=1e-4)
    assert table.test[best, 0] == pytest.approx(0.7195, abs=1e-4)
    one, same = (
        table.row(table.search_space.parse(f"shape=0000, node 1={a}, node 2={b}, node 3=fc, node 4=fc"))
        for a, b in (("gcn", "gat"), ("gat", "gcn"))
    )
    assert table.validation[0, one, 0] == table.validation[0, same, 0]  # siblings in another order


class _Asks:
    def __reduce__(self):
        return os.getcwd, ()


def test_a_file_that_asks_for_more_than_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "made.bench"
    path.write_bytes(pickle.dumps({0: _Asks()}))
    with pytest.raises(DataError, match="getcwd"):
        read_nasbench_graph(path, "arxiv")
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"no \.bench file"):
        read_nasbench_graph(path, "arxiv")
    path.write_bytes(pickle.dumps({0: {"valid_perf": 0.5}}))
    with pytest.raises(DataError, match="another benchmark"):
        read_nasbench_graph(path, "arxiv")
    with pytest.raises(DataError, match="cannot be read"):
        read_nasbench_graph(tmp_path / "none.bench", "arxiv")
    with pytest.raises(ConfigError, match="arxiv, cs"):
        read_nasbench_graph(path, "cora")
