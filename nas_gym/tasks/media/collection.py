"""Folders and archives of files, which are read one by one; nothing of an archive is written to disk."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from nas_gym.errors import DataError

Found = TypeVar("Found")
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
SIGNALS = (".wav", ".npy", ".csv", ".tsv")
WORKBOOK = frozenset({"xl/workbook.xml", "[Content_Types].xml"})
"""Files of an .xlsx, which is an archive and may hold pictures, but is a table."""
PLACEHOLDERS = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
LARGEST = 2**30
"""Bytes of a file above which it is no single image or signal, but may fill the memory."""
# What the modules of archives raise over one that is damaged, or of a later version of its format.
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    UnicodeError,
)


class Opened(ABC):
    """Files by their names, which are paths in a folder or an archive with ``/`` between."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files but hidden ones, sorted, each once."""

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Return names in the order in which their files are read fastest."""
        return list(names)

    @abstractmethod
    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Return name, size and time of the last change of all that would have to change with an example."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            OSError: if it cannot be read or is too large.
        """


@dataclass(frozen=True)
class _Folder(Opened):
    path: Path

    def names(self) -> list[str]:
        try:
            found = [one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file()]
        except OSError as error:
            raise DataError(
                f"the folder {self.path} cannot be read ({error.strerror}: {error.filename}): give "
                "permission, or pass a folder of images or signals alone"
            ) from error
        return sorted(name for name in found if _is_shown(name))

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        return tuple(_stamp(self.path / name, name) for name in self.names())

    def read(self, name: str) -> bytes:
        file = self.path / name
        _check_size(file.stat().st_size)
        return file.read_bytes()


@dataclass(frozen=True)
class _Zip(Opened):
    archive: zipfile.ZipFile
    path: Path

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        return (_stamp(self.path, ""),)

    def names(self) -> list[str]:
        # A set, since an archive may hold a file twice: the later one counts.
        found = {one.filename for one in self.archive.infolist() if not one.is_dir()}
        return sorted(name for name in found if _is_shown(name))

    def read(self, name: str) -> bytes:
        _check_size(self.archive.getinfo(name).file_size)
        try:
            return self.archive.read(name)
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:  # encrypted, damaged
            raise OSError(str(error)) from error


@dataclass(frozen=True)
class _Tar(Opened):
    archive: tarfile.TarFile
    path: Path
    members: Mapping[str, tarfile.TarInfo]
    """By name; of those that are there twice the later one, which was appended in place of the other."""

    @classmethod
    def of(cls, archive: tarfile.TarFile, path: Path) -> _Tar:
        members = {one.name.removeprefix("./"): one for one in archive.getmembers()}
        # Links are left out: what they lead to may be outside.
        return cls(archive, path, {name: one for name, one in members.items() if one.isfile()})

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        return (_stamp(self.path, ""),)

    def names(self) -> list[str]:
        return sorted(name for name in self.members if _is_shown(name))

    def in_order(self, names: Sequence[str]) -> list[str]:
        # As they stand: to go back in a compressed archive is to read it again from its start.
        return sorted(names, key=lambda name: self.members[name].offset)

    def read(self, name: str) -> bytes:
        member = self.members[name]
        _check_size(member.size)
        file = self.archive.extractfile(member)
        assert file is not None, "it is a file"
        return file.read()


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a folder, a .zip or a .tar that may be compressed.

    Raises:
        NASGymError: if it is none of them, or damaged.
    """
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield _Zip(archive, path)
            return
        with tarfile.open(path) as archive_of_tape:
            yield _Tar.of(archive_of_tape, path)
    except UNREADABLE as error:
        why = str(error).partition("\n")[0].rstrip(":")
        raise DataError(
            f"{path.name} is neither a folder nor a .zip or .tar archive that can be read ({why}): pass a "
            "folder of images or signals, or an archive of one"
        ) from error


def is_collection(path: Path) -> bool:
    """Return whether a path is a folder, or an archive that holds images or signals in folders."""
    try:
        if path.is_dir():
            return True
        if not path.is_file() or not (zipfile.is_zipfile(path) or tarfile.is_tarfile(path)):
            return False
        with opened(path) as files:
            names = files.names()
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):  # what reads it says what is wrong
        return False
    if not WORKBOOK.isdisjoint(names):
        return False
    nested = [name for name in names if "/" in name and is_of(name, (*IMAGES, *SIGNALS))]
    images = [name for name in names if is_of(name, IMAGES)]
    return len(nested) > 1 or bool(images)


def is_of(name: str, suffixes: tuple[str, ...]) -> bool:
    """Return whether a name ends in one of some suffixes."""
    return PurePosixPath(name).suffix.lower() in suffixes


def by_name(found: Mapping[str, Found], names: Sequence[str]) -> dict[str, Found]:
    """Return what was found of files in the order of their names, in whatever order they were read."""
    return {name: found[name] for name in names if name in found}


def stream(content: bytes) -> io.BytesIO:
    """Return bytes as a file."""
    return io.BytesIO(content)


def _stamp(file: Path, name: str) -> tuple[str, int, int]:
    found = file.stat()
    return name, found.st_size, found.st_mtime_ns


def _is_shown(name: str) -> bool:
    parts = name.split("/")
    return not any(part.startswith(".") or part.casefold() in PLACEHOLDERS for part in parts)


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise OSError(f"{size:,} bytes are too many for an example")
