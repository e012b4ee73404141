"""Data files that cannot be learned from, or predicted for."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence

import numpy as np

from tests.faults.malformed.case import Case, Material, arrays, file, good_rows, rows, zipped

SEARCH = ("search", "--agent", "random", "--budget", "2", "--store", "memory")
X, Y = np.arange(120.0).reshape(60, 2), np.arange(60) % 2
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def table(name: str, content: str | bytes, says: str, *options: str, file_name: str = "data.csv") -> Case:
    """A search on a table of text whose target is ``kind``."""
    more = options if "--target" in options else ("--target", "kind", *options)
    return Case(name, (*SEARCH, "--task", file_name, *more), says, file(file_name, content))


def good(name: str, says: str, *options: str) -> Case:
    """A search on a good table with options that do not fit it."""
    return table(name, good_rows(), says, *options)


def npz(name: str, says: str, options: Sequence[str] = (), **values: object) -> Case:
    """A search on arrays."""
    return Case(name, (*SEARCH, "--task", "data.npz", *options), says, arrays("data.npz", **values))


def archive(name: str, content: bytes, says: str, file_name: str = "data.zip") -> Case:
    """A search on an archive of files."""
    return Case(name, (*SEARCH, "--task", file_name), says, file(file_name, content))


def predicting(name: str, content: str | bytes, says: str, file_name: str = "rows.csv") -> Case:
    """An answer for rows by the network of the run."""
    return Case(name, ("predict", "run", file_name), says, file(file_name, content))


def pickled(material: Material) -> None:
    np.savez(material.home / "data.npz", x=np.array([{}, {}], dtype=object), y=np.arange(2))


def cut_npz(material: Material) -> None:
    content = io.BytesIO()
    np.savez(content, x=X, y=Y)
    (material.home / "data.npz").write_bytes(content.getvalue()[:-200])


def damaged_npz(material: Material) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, x=np.random.default_rng(0).random((60, 40)), y=Y)
    damaged = bytearray(content.getvalue())
    damaged[300:340] = bytes(40)
    (material.home / "data.npz").write_bytes(bytes(damaged))


def of_the_future(archive: bytes) -> bytes:
    """Return a zip archive that says that only a version of zip that there is not can read it."""
    changed = bytearray(archive)
    at = changed.find(b"PK\x01\x02")
    changed[at + 6] = 255
    return bytes(changed)


def npz_of_the_future() -> bytes:
    content = io.BytesIO()
    np.savez(content, x=X, y=Y)
    return of_the_future(content.getvalue())


def member_that_is_no_array(material: Material) -> None:
    with zipfile.ZipFile(material.home / "data.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00 no header")
        archive.writestr("y.npy", b"text")


def huge_header(material: Material) -> None:
    """An array that says that it has more numbers than any memory."""
    head = {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**20)}
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, head)
    with zipfile.ZipFile(material.home / "data.npz", "w") as archive:
        archive.writestr("x.npy", content.getvalue())
        archive.writestr("y.npy", content.getvalue())


def folder_of(*names: str, content: bytes = b"") -> Callable[[Material], None]:
    def write(material: Material) -> None:
        for name in names:
            path = material.home / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return write


def tar_of_links() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("a/1.png", "b/1.png"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    return content.getvalue()


CASES = [
    table("a table without a row", "a,b,kind\n", "no row|rows"),
    table("an empty table", "", "no rows"),
    table("a table of one line break", "\n", "empty|column"),
    table("a table with one row", rows("a,b,kind", "1,2,x"), "rows|class|example"),
    table("a table of one class", rows("a,b,kind", "1,2,x", "2,3,x", repeat=30), "class"),
    table(
        "a table in which each row is a class",
        rows("a,b,kind", *(f"{i},1,c{i}" for i in range(60))),
        "class|rows|example",
    ),
    table("a table of the target alone", rows("kind", "x", "y", repeat=30), "beside the target"),
    table("a table with columns of one name", rows("a,a,kind", "1,2,x", "2,1,y", repeat=30), "'a'"),
    table("a table whose target is missing in all rows", rows("a,b,kind", "1,2,", "2,1,", repeat=30), "kind"),
    table(
        "a row that is too long", rows("a,b,kind", "1,2,x", "2,1,y", repeat=30) + "1,2,x,4,5\n", "line|row"
    ),
    table("a row that is too short", rows("a,b,kind", "1,2,x", "2,1,y", repeat=30) + "1\n", "line|row"),
    table(
        "a quote that does not end",
        rows("a,b,kind", '1,"2,x', "2,1,y", repeat=30),
        "delimiter|quote",
    ),
    table("text that is not UTF-8", good_rows().encode() + b"1,\xff\xfe\xfa,x\n", "encoding|UTF"),
    table("a null byte", good_rows().encode() + b"1,\x00,x\n", "null|binary|byte|number|text|NUL"),
    table("a picture called a table", PNG_HEAD + bytes(50), "picture|PNG|image|binary"),
    table("a program called a table", b"\x7fELF" + bytes(100), "rows|binary"),
    table("a pickle called a table", b"\x80\x04" + bytes(50), "pickle"),
    table("a zip archive of nothing", zipped(), "table|archive|zip|empty", file_name="data.csv.zip"),
    table(
        "a compressed table that is cut off",
        gzip.compress(good_rows().encode())[:-20],
        "gz|damaged|compressed|cut|end",
        file_name="data.csv.gz",
    ),
    table(
        "a compressed table that is damaged",
        gzip.compress(good_rows().encode())[:40] + bytes(60),
        "damaged|compressed",
        file_name="data.csv.gz",
    ),
    table("a workbook of random bytes", bytes(range(256)), "xlsx|workbook|Excel", file_name="data.xlsx"),
    table(
        "a workbook that is an archive of text", zipped(a=b"1"), "xlsx|workbook|Excel", file_name="data.xlsx"
    ),
    table("a Parquet file of random bytes", bytes(range(256)), "parquet|Parquet", file_name="data.parquet"),
    table(
        "a Parquet file that is cut off",
        b"PAR1" + bytes(10) + b"PAR1",
        "parquet|Parquet",
        file_name="data.parquet",
    ),
    table("an object of JSON as a table", '{"a": [1, 2]}', "JSON", file_name="data.json"),
    table("a web page called a table", "<html><body>404</body></html>\n", "column|HTML|web"),
    table("lists as a table", json.dumps([{"a": 1}]), "column|JSON"),
    good("a target that is not a column", "kidn", "--target", "kidn"),
    good("no target", "target", "--target", ""),
    good("a target twice", "kind|twice|labels", "--target", "kind,kind"),
    good("texts as values", "number|values|kind", "--target-kind", "values"),
    good("an unknown kind of target", "target_kind|target-kind", "--target-kind", "numbers"),
    good("a column to leave out that is not there", "'c'", "--drop", "c"),
    good("the target left out", "kind", "--drop", "kind"),
    good("all features left out", "column|features", "--drop", "a", "--drop", "b"),
    good("a delimiter of two letters", "delimiter", "--delimiter", ",,"),
    good("a delimiter that is not there", "kind|column", "--delimiter", "|"),
    good("a split by a column that is not there", "part", "--split", "part"),
    good("a split by a column of other words", "train|part", "--split", "a"),
    good("a group that is not a column", "patient", "--group", "patient"),
    good("a time that is not a column", "year", "--time", "year"),
    good("a gap without a time", "gap|time", "--gap", "3"),
    good("a gap below nothing", "gap", "--time", "a", "--gap=-1"),
    good("a gap larger than the data", "gap|rows|examples", "--time", "a", "--gap", "1000"),
    good("a size of a table", "size", "--size", "32"),
    good("one label of several that is none", "label", "--label-separator", ""),
    Case("a file that is not there", (*SEARCH, "--task", "none.csv", "--target", "kind"), "none.csv"),
    Case("a table without a target", (*SEARCH, "--task", "good.csv"), "target"),
    npz("arrays without answers", "'y'|key|array", x=X),
    npz("answers without examples", "'x'|key|array", y=Y),
    npz("arrays of different lengths", "shape|length|60", x=X, y=Y[:-1]),
    npz("arrays without examples", "example|empty", x=X[:0], y=Y[:0]),
    npz("an example that is not a number", "NaN|finite|nan", x=np.where(X == 7, np.nan, X), y=Y),
    npz("an endless example", "finite|inf", x=np.where(X == 7, np.inf, X), y=Y),
    npz("examples of texts", "text|number|dtype|type", x=X.astype(str), y=Y),
    npz("examples of complex numbers", "complex|number|dtype|type", x=X + 1j, y=Y),
    npz("examples of one number alone", "shape|dimension", x=np.float64(3), y=Y),
    npz("examples with no features", "shape|feature", x=np.zeros((60, 0)), y=Y),
    npz("answers in two dimensions of one number too many", "shape|y|labels", x=X, y=np.zeros((60, 2, 2))),
    npz("answers of one class", "class", x=X, y=np.zeros(60, dtype=int)),
    npz("answers that are no number", "misses", x=X, y=np.where(Y == 1, np.nan, 0.5 * np.arange(60))),
    npz(
        "a part that is empty",
        "part|example|x_test|empty|test",
        **{f"{a}_{p}": v for p in ("train", "validation") for a, v in (("x", X), ("y", Y))},
        x_test=X[:0],
        y_test=Y[:0],
    ),
    npz(
        "a split of two words",
        "split|train",
        x=X,
        y=Y,
        options=("--split", "part"),
        part=np.array(["a", "b"] * 30),
    ),
    npz("names of classes that are too few", "class|unknown|target", x=X, y=Y, options=("--target", "y")),
    Case("arrays of Python objects", (*SEARCH, "--task", "data.npz"), "run code", pickled),
    Case(
        "arrays in a zip of the future",
        (*SEARCH, "--task", "data.npz"),
        "npz",
        file("data.npz", npz_of_the_future()),
    ),
    predicting("rows in a zip of the future", npz_of_the_future(), "npz|zip", "rows.npz"),
    archive("files in a zip of the future", of_the_future(zipped(a__1=b"x", b__1=b"x")), "archive|zip"),
    Case("arrays that are cut off", (*SEARCH, "--task", "data.npz"), "npz", cut_npz),
    Case("arrays that are damaged", (*SEARCH, "--task", "data.npz"), "damaged", damaged_npz),
    Case("members that are no arrays", (*SEARCH, "--task", "data.npz"), "damaged", member_that_is_no_array),
    Case("an array larger than any memory", (*SEARCH, "--task", "data.npz"), "damaged|memory", huge_header),
    Case("arrays of a text file", (*SEARCH, "--task", "data.npz"), "npz", file("data.npz", "x,y\n1,2\n")),
    Case("an empty folder", (*SEARCH, "--task", "data"), "data", folder_of("a/.hidden")),
    Case(
        "a folder of one class", (*SEARCH, "--task", "data"), "class|folder", folder_of("a/1.png", "a/2.png")
    ),
    Case(
        "images that are none",
        (*SEARCH, "--task", "data"),
        "image|read|empty",
        folder_of(*(f"{c}/{i}.png" for c in "ab" for i in range(9))),
    ),
    Case(
        "images that end in their head",
        (*SEARCH, "--task", "data"),
        "image|read",
        folder_of(*(f"{c}/{i}.png" for c in "ab" for i in range(9)), content=PNG_HEAD),
    ),
    Case(
        "signals that are none",
        (*SEARCH, "--task", "data"),
        "signal|read|wav",
        folder_of(*(f"{c}/{i}.wav" for c in "ab" for i in range(9)), content=b"RIFF"),
    ),
    Case(
        "a folder of images and signals",
        (*SEARCH, "--task", "data"),
        "class",
        folder_of("a/1.png", "a/2.png", "b/1.wav", "b/2.wav"),
    ),
    archive("an archive that is cut off", zipped(a__1=b"1" * 50)[:-30], "zip|archive|data"),
    archive("a tar that is text", b"no tar", "archive|tar|read", "data.tar"),
    archive("a tar of links out of it", tar_of_links(), "image|class|data|file", "data.tar"),
    predicting("rows without a column", rows("a", "1", "2"), "'b'"),
    predicting("rows with text for a number", rows("a,b", "1,2", "one,2"), "one|number"),
    predicting("rows with a missing number", rows("a,b", "1,2", ",2"), "missing|'a'"),
    predicting("rows of nothing", "", "no rows"),
    predicting("rows of another kind", PNG_HEAD, "picture|PNG|image|binary"),
    predicting("rows that are an array of another width", b"\x93NUMPY", "npy|damaged|array", "rows.npy"),
    Case("rows that are not there", ("predict", "run", "none.csv"), "none.csv"),
    Case(
        "answers into a folder that is a file",
        ("predict", "run", "good.csv", "--out", "run/best.pt/a.csv"),
        "best.pt",
    ),
    Case("answers of an unknown kind", ("predict", "run", "good.csv", "--out", "a.docx"), "docx|csv"),
]
