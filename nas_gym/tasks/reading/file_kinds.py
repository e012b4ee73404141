"""What kind of file a file of data is, by its contents before its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

from nas_gym.errors import DataError

Kind = Literal["text", "npz", "npy", "excel", "parquet"]

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
OWN_SUFFIXES: dict[str, Kind] = {
    ".npz": "npz",
    ".npy": "npy",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".parquet": "parquet",
}
OTHER_SUFFIXES = (
    *(".xls", ".ods", ".feather", ".arrow", ".h5", ".hdf5", ".json", ".jsonl", ".arff", ".pkl", ".pickle"),
    *(".sav", ".dta", ".mat", ".pt", ".zst", ".7z", ".rar", ".sqlite", ".db"),
)
NAMES = {
    "text": "a table of text",
    "npz": "an .npz file of NumPy",
    "npy": "an .npy file of NumPy",
    "excel": "an Excel workbook",
    "parquet": "a Parquet file",
}
READABLE = (
    ".csv, .tsv and other text tables, also as .gz, .bz2, .xz or .zip, .npz, .xlsx and .parquet can be read"
)

PACKED: dict[bytes, Callable[[io.BytesIO], BinaryIO]] = {
    b"\x1f\x8b": lambda content: cast("BinaryIO", gzip.GzipFile(fileobj=content)),
    b"BZh": lambda content: cast("BinaryIO", bz2.BZ2File(content)),
    b"\xfd7zXZ\x00": lambda content: cast("BinaryIO", lzma.open(content)),  # noqa: SIM115 (the caller closes it)
}
LOOKED_AT = 4096  # bytes that tell whether something is a text
CONTROLS = frozenset(range(32)).difference(b"\t\n\v\f\r\x1a\x1b") | {0x7F}
MOST_CONTROLS = 0.02
LARGEST = 2**32
"""Bytes beyond which nothing is unpacked: a small file may say that it holds more than any memory."""
NESTED = 3
"""Archives in archives that are unpacked; there are files that hold themselves."""
ZIP = b"PK\x03\x04"
UNREADABLE = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"ARROW1": "an Arrow or Feather file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x80\x04": "a pickle, which is never loaded since it can run code",
    b"\x80\x05": "a pickle, which is never loaded since it can run code",
}
DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Contents:
    """The contents of a file, unpacked.

    Attributes:
        kind: what they are.
        content: the bytes; empty for an ``.npz`` file, which is read from its path.
        note: what is to be said of them; "" for nothing.
    """

    kind: Kind
    content: bytes
    note: str = ""


def looks_like_data(text: str) -> bool:
    """Return whether a text is the path of data, by its name or since there is such a file or folder."""
    path = Path(text)
    suffixes = (".tar", ".tgz", *TEXT_SUFFIXES, *PACKED_SUFFIXES, *OWN_SUFFIXES, *OTHER_SUFFIXES)
    return path.suffix.lower() in suffixes or is_file(path) or _is_folder(path)


def is_file(path: Path) -> bool:
    """Return whether there is such a file; no text that can be no path is one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def kind_of(path: Path) -> Kind:
    """Return what a file is; by its name alone where there is none.

    Raises:
        NASGymError: if it is damaged or of a kind that cannot be read.
    """
    if is_file(path):
        return contents_of(path).kind
    return OWN_SUFFIXES.get(path.suffix.lower(), "text")


def contents_of(path: Path) -> Contents:
    """Return what is in a file.

    Raises:
        NASGymError: if it cannot be opened, is damaged or is of a kind that cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): pass a file that can") from error
    found = _unpacked(path, content, NESTED)
    suffix = path.suffix.lower()
    named = OWN_SUFFIXES.get(suffix)
    if named == "npz" and found.kind != "npz":
        raise DataError(f"{path} is no .npz file: write one with numpy.savez(path, x=x, y=y)")
    if named is not None and found.kind == "text":
        return _plain(path, found, f"not {NAMES[named]}")
    if suffix in PACKED_SUFFIXES and found.content is content and found.kind == "text":
        return _plain(path, found, "not compressed")
    return found


def _plain(path: Path, found: Contents, what: str) -> Contents:
    """Return the contents of a file that is a plain text, though its name says otherwise, and say it.

    Raises:
        NASGymError: if it is no text either.
    """
    told = f"{path.name} is {what}, although it ends in {path.suffix}"
    if is_binary(found.content):
        raise DataError(f"{told}, and is no table of text either: bring the whole file, or write it again")
    return replace(found, note=f"{told}, and is read as a table of text")


def is_binary(content: bytes) -> bool:
    """Return whether many of the first bytes are control characters, of which a text has hardly any."""
    start = content[:LOOKED_AT]
    return sum(code in CONTROLS for code in start) > MOST_CONTROLS * len(start)


def _unpacked(path: Path, content: bytes, nested: int) -> Contents:
    packed = next((unpack for magic, unpack in PACKED.items() if content.startswith(magic)), None)
    if nested == 0 and (packed is not None or content.startswith(ZIP)):
        raise DataError(f"{path.name} holds archives in archives: unpack it, and pass the table in it")
    try:
        if packed is not None:
            with packed(io.BytesIO(content)) as file:
                return _unpacked(path, _limited(path, file), nested - 1)
        if content.startswith(ZIP):
            return _unzipped(path, content, nested)
    except DAMAGE as error:
        raise DataError(f"{path} is damaged ({error}) and cannot be read: bring the whole file") from error
    for magic, what in UNREADABLE.items():
        if content.startswith(magic):
            raise DataError(f"{path.name} is {what}, a kind of file that cannot be read here: {READABLE}")
    if content.startswith(b"PAR1"):
        return Contents("parquet", content)
    if content.startswith(b"\x93NUMPY"):
        return Contents("npy", content)
    if content[257:262] == b"ustar":
        raise DataError(
            f"{path.name} is a tar archive, which cannot be read here: unpack it, and pass the table in it"
        )
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for opening, what in (
        (b"<", "a page of HTML or XML"),
        (b"{", "JSON"),
        (b"[{", "JSON"),
        (b"@relation", "an .arff file"),
    ):
        if start.startswith(opening):
            raise DataError(f"{path.name} is {what}, a kind of file that cannot be read here: {READABLE}")
    return Contents("text", content)


def _limited(path: Path, file: IO[bytes]) -> bytes:
    """Return what an archive holds.

    Raises:
        NASGymError: if it is larger than anything that is unpacked.
    """
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(
            f"{path.name} unpacks to a table larger than {LARGEST / 2**30:.2g} GiB: bring fewer rows, or "
            "save the table as .npz or .parquet"
        )
    return content


def _unzipped(path: Path, content: bytes, nested: int) -> Contents:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if "xl/workbook.xml" in names:
            if sum(each.file_size for each in archive.infolist()) > LARGEST:
                raise DataError(f"{path.name} is a workbook too large to unpack: save the table as .csv")
            return Contents("excel", content)
        if names and all(name.endswith(".npy") for name in names):
            return Contents("npz", b"")
        tables = [name for name in names if not name.startswith("__MACOSX/")]
        if len(tables) != 1:
            raise DataError(
                f"{path.name} is an archive of {len(tables)} files, and one table can be read: unpack it, "
                "and pass one of them"
            )
        with archive.open(tables[0]) as file:
            return _unpacked(path, _limited(path, file), nested - 1)
