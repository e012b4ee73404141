"""Files that one process holds at a time: the system ends the hold with the process, however that ends."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nas_gym._files import writing
from nas_gym.errors import StoreError

# Who only looks whether a file is held holds it for a moment.
PATIENCE = 0.3
POLL_SECONDS = 0.02
# Windows locks bytes, which nobody else can read meanwhile, so it is one far behind the content.
FAR = 1 << 40
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def hold(path: Path, busy: str, patience: float = PATIENCE) -> BinaryIO:
    """Open a file for appending, unbuffered, and hold it until it is closed.

    Args:
        path: the file, in an existing folder; it is made if it is not there.
        busy: what is said if another holds it.
        patience: seconds to wait for another that holds it.

    Raises:
        NASGymError: if another holds it, or it cannot be written.
    """
    deadline = time.monotonic() + patience
    while True:
        with writing(path):
            file = path.open("ab", buffering=0)
        if _lock(file):
            # Whoever held it before may have removed it, so that another makes a new one.
            if _is_at(file, path):
                return file
            file.close()
            continue
        file.close()
        if time.monotonic() > deadline:
            raise StoreError(busy)
        time.sleep(POLL_SECONDS)


def release(file: BinaryIO, path: Path) -> None:
    """Remove a file that is held, and let it go."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        file.close()
    if os.name == "nt":  # which removes no file that is open
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def held(path: Path, busy: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a file that is there only meanwhile; as `hold`."""
    file = hold(path, busy, patience)
    try:
        yield
    finally:
        release(file, path)


def is_held(path: Path) -> bool:
    """Whether a process holds a file."""
    try:
        with path.open("rb", buffering=0) as file:
            return not _lock(file, shared=True)
    except OSError:
        return False


def _lock(file: BinaryIO, *, shared: bool = False) -> bool:
    try:
        import fcntl
    except ImportError:
        return _lock_bytes(file)
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # A file system without locks, as some networks have: two runs at once are then not noticed.
        if error.errno not in WITHOUT_LOCKS:
            raise
    return True


def _lock_bytes(file: BinaryIO) -> bool:
    import msvcrt

    file.seek(FAR)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    finally:
        file.seek(0, os.SEEK_END)
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
