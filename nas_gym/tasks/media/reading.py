"""Files that cannot be read, whatever the library that tries raises."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class Unreadable(Exception):  # noqa: N818 (a file that is left out is no error)
    """A file that is not what its name says, and why."""


@contextmanager
def reading() -> Iterator[None]:
    """Turn whatever a damaged file makes a library raise into `Unreadable`; its warnings are not told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (Unreadable, KeyboardInterrupt):
        raise
    except MemoryError as error:
        raise Unreadable("it does not fit the memory") from error
    except Exception as error:
        raise Unreadable(" ".join(str(error).split())[:200] or type(error).__name__) from error
