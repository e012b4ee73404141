"""Files of tables that hold no table, and published results that cannot be imported."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from nas_gym.tables import write_table
from tests.faults.malformed.case import Case, Material, edited_archive, file
from tests.helpers.data.tables import fake_table

SEARCH = (
    "search",
    *("--agent", "random", "--evaluator", '{"name": "table", "benchmark": "fake"}', "--budget", "2"),
    *("--store", "memory"),
)
FILE = "fake-mnist1d.npz"


def written(material: Material) -> None:
    write_table(fake_table(), material.tables / FILE)


def header(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Material], None]:
    """Return what writes a table whose header is changed."""

    def write(material: Material) -> None:
        written(material)
        path = material.tables / FILE
        with np.load(path) as archive:
            values = json.loads(str(archive["header"]))
        replaced = edit(values)
        edited_archive(path, {"header": np.array(json.dumps(values if replaced is None else replaced))})

    return write


def header_array(value: np.ndarray | None) -> Callable[[Material], None]:
    """Return what writes a table with another array as its header; None leaves it out."""

    def write(material: Material) -> None:
        written(material)
        edited_archive(material.tables / FILE, {"header": value})

    return write


def array(name: str, edit: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Material], None]:
    """Return what writes a table with another array; None leaves it out."""

    def write(material: Material) -> None:
        written(material)
        path = material.tables / FILE
        with np.load(path) as archive:
            found = archive[name]
        edited_archive(path, {name: edit(found)})

    return write


def raw(edit: Callable[[bytes], bytes]) -> Callable[[Material], None]:
    def write(material: Material) -> None:
        written(material)
        path = material.tables / FILE
        path.write_bytes(edit(path.read_bytes()))

    return write


def objects(material: Material) -> None:
    written(material)
    edited_archive(material.tables / FILE, {"seconds": np.array([{}] * 84, dtype=object)})


def table(name: str, says: str, prepare: Callable[[Material], None]) -> Case:
    return Case(name, SEARCH, says, prepare)


def imported(name: str, content: str | bytes, says: str, file_name: str = "published.csv") -> Case:
    return Case(name, ("benchmark", "import", "nasbench201", file_name), says, file(file_name, content))


def macro(name: str, content: str, says: str) -> Case:
    return Case(
        name, ("benchmark", "import", "nasbench_macro", "macro.csv"), says, file("macro.csv", content)
    )


def latency(name: str, content: str, says: str) -> Case:
    return Case(
        name,
        ("benchmark", "import-latency", "latency.csv", "--table", "mlp-mnist1d"),
        says,
        file("latency.csv", content),
    )


HEAD = (
    "architecture,val_acc_12,val_acc_200,val_acc_200_by_seed,test_acc_200,train_seconds_200,params,"
    "flops_millions"
)
CELL = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"

CASES = [
    table(
        "a table that is a text",
        "no table",
        lambda material: (material.tables / FILE).write_text("x") and None,
    ),
    table("a table that is empty", "no table", raw(lambda content: b"")),
    table("a table that is cut off", "no table|cut off", raw(lambda content: content[:-300])),
    table(
        "a table with damaged arrays",
        "no table|cut off",
        raw(lambda content: content[:900] + bytes(200) + content[1100:]),
    ),
    table("a table that is a folder", "table", lambda material: (material.tables / FILE).mkdir()),
    table("a table of Python objects", "no table", objects),
    table(
        "a table without a header",
        "header",
        header_array(None),
    ),
    table(
        "a header that is no JSON",
        "no table",
        header_array(np.array("{")),
    ),
    table("a header that is a list of a table", "no table", header(lambda found: [1])),
    table("a header that is a number", "no table", header(lambda found: 3)),
    table(
        "a header of too deep JSON",
        "no table",
        header_array(np.array("[" * 20_000)),
    ),
    table("a header without a format", "format", header(lambda found: found.pop("format") and None)),
    table("a header of a later format", "format 99", header(lambda found: found.update(format=99))),
    table("a header of a format that is a list", "format", header(lambda found: found.update(format=[2]))),
    table(
        "a header without a space", "search_space", header(lambda found: found.pop("search_space") and None)
    ),
    table(
        "a header with an unknown space",
        "unknown search space",
        header(lambda found: found.update(search_space="mpl")),
    ),
    table(
        "a header with a space of a module",
        "no file chooses",
        header(lambda found: found.update(search_space={"name": "antigravity:Space"})),
    ),
    table(
        "a header with another space",
        "shape|size|rows|architectures",
        header(lambda found: found["search_space"].update(max_layers=2)),
    ),
    table(
        "a header with a shape of words",
        "no table|shape",
        header(lambda found: found.update(input_shape=["a"])),
    ),
    table(
        "a header with a shape that is a number",
        "no table|shape",
        header(lambda found: found.update(input_shape=3)),
    ),
    table(
        "a header with no outputs", "outputs|classes|no table", header(lambda found: found.update(outputs=0))
    ),
    table(
        "a header with outputs in words",
        "outputs|no table",
        header(lambda found: found.update(outputs="ten")),
    ),
    table(
        "a header with fidelities that fall",
        "fidelit",
        header(lambda found: found.update(fidelities=[9, 3, 1])),
    ),
    table(
        "a header with fidelities that are a number",
        "no table|fidelit",
        header(lambda found: found.update(fidelities=9)),
    ),
    table("a header without seeds", "seeds", header(lambda found: found.pop("seeds") and None)),
    table("a header whose seeds are a list", "no table|seeds", header(lambda found: found.update(seeds=[0]))),
    table(
        "a header whose seeds are of other fidelities",
        "seeds|fidelit",
        header(lambda found: found.update(seeds={"7": [0, 1, 2]})),
    ),
    table(
        "a header with examples of one number",
        "examples|no table",
        header(lambda found: found.update(examples=[1000])),
    ),
    table(
        "a header with an unknown target",
        "target",
        header(lambda found: found.update(target={"kind": "dreams"})),
    ),
    table("a header about nothing", "about|no table", header(lambda found: found.update(about=3))),
    table("a table without scores", "validation", array("validation", lambda found: None)),
    table("a table with scores of another shape", "shape", array("validation", lambda found: found[:, :-1])),
    table(
        "a table with scores above 1",
        "score|\\[0, 1\\]",
        array("test", lambda found: found.astype(float) + 5),
    ),
    table(
        "a table with scores that are texts",
        "no table|score|number",
        array("test", lambda found: found.astype(str)),
    ),
    table("a table with costs below nothing", "seconds", array("seconds", lambda found: -found)),
    table("a table with costs that are no number", "seconds", array("seconds", lambda found: found * np.nan)),
    table(
        "a table with parameters of another size",
        "parameters|shape",
        array("parameters", lambda found: found[:-1]),
    ),
    imported("published results of no row", f"{HEAD}\n", "architectures|rows|row"),
    imported("published results without a column", f"architecture,params\n{CELL},1\n", "val_acc_12|column"),
    imported(
        "published results of one row", f"{HEAD}\n{CELL},1,2,1;2;3,3,4,5,6\n", "15,625|architectures|missing"
    ),
    imported("published results with a word", f"{HEAD}\n{CELL},high,2,1;2;3,3,4,5,6\n", "lacks"),
    imported(
        "published results of an unknown cell", f"{HEAD}\n|conv~0|,1,2,1;2;3,3,4,5,6\n", "conv|architecture"
    ),
    imported("published results that are no gzip", "no gzip", "gz|compressed|read", "published.csv.gz"),
    imported(
        "published results cut off",
        gzip.compress(f"{HEAD}\n{CELL}\n".encode() * 99)[:-9],
        "gz|cut|end|compressed|read",
        "published.csv.gz",
    ),
    imported("published results in other letters", b"\xff\xfe\x00\x01\n", "UTF|text|read|column"),
    macro(
        "published results of a wrong code",
        "architecture,test_acc_0,test_acc_1,test_acc_2,params,flops\n0000000x,1,2,3,4,5\n",
        "0000000x|architecture",
    ),
    latency("latencies without a device", "index,params\n0,1\n", "device"),
    latency("latencies without an index", "pixel_ms\n1\n", "index"),
    latency("latencies of one network", "index,pixel_ms\n0,1\n", "each number|once"),
    latency("latencies in words", "index,pixel_ms\n0,fast\n", "each number"),
]
