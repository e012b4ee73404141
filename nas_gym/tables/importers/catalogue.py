"""From published files to tables in the user's folder: which reader reads what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nas_gym.errors import unknown
from nas_gym.tables.catalogue import table_path
from nas_gym.tables.file import write_table
from nas_gym.tables.importers.checks import check_label
from nas_gym.tables.importers.nasbench101 import read_nasbench101
from nas_gym.tables.importers.nasbench201 import read_nasbench201
from nas_gym.tables.importers.nasbench_graph import read_nasbench_graph
from nas_gym.tables.importers.nasbench_macro import read_nasbench_macro
from nas_gym.tables.importers.nats_archive import is_archive, read_nats_archive
from nas_gym.tables.table import Table

READERS: dict[str, Callable[[Path, str], Table]] = {
    "nasbench101": read_nasbench101,
    "nasbench201": read_nasbench201,
    "nasbench_graph": read_nasbench_graph,
    "nasbench_macro": read_nasbench_macro,
}


def import_table(
    benchmark: str,
    path: Path,
    task: str = "cifar10",
    *,
    trust_pickle: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Table, Path]:
    """Read published results, check all of them, and write them as a table into the user's folder.

    Args:
        benchmark: ``"nasbench101"``, ``"nasbench201"``, ``"nasbench_graph"`` or ``"nasbench_macro"``.
        path: a .csv or .csv.gz file in the reader's columns; of NAS-Bench-101 also lines of JSON, of
            NAS-Bench-201 also the archive; of NAS-Bench-Graph a ``.bench`` file of its package.
        task: label of the data set that the results are of.
        trust_pickle: see `read_nats_archive`.
        on_progress: called while an archive is read, with the architectures read and all of them.

    Returns:
        The table, and where it is written.

    Raises:
        NASGymError: for the first flaw; nothing is written then.
    """
    if benchmark not in READERS:
        raise unknown("published benchmark", benchmark, READERS)
    check_label(task)
    if benchmark == "nasbench201" and is_archive(path):
        table = read_nats_archive(path, task, trust_pickle=trust_pickle, on_progress=on_progress)
    else:
        table = READERS[benchmark](path, task)
    written = table_path(table.name)
    write_table(table, written)
    return table, written
