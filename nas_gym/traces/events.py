"""The file of events that TensorBoard reads, written as TensorFlow records.

TensorBoard's own writer computes the checksum of every byte in Python and hands every record to a
thread; here waiting records are checked together, by table look-ups on arrays, and written at once.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata  # type: ignore[attr-defined]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]

# An event is written at the latest so many seconds after it happened, for who watches a running search.
FLUSH_SECONDS = 10
POLYNOMIAL = 0x82F63B78
BLOCK = 256
_numbers = itertools.count()


class EventFile:
    """Writes events into a new file, in order, at the latest some seconds after each happened.

    A thread writes, so that a search need not wait for a picture to be compressed.

    Args:
        folder: where; it is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        process = f"{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{process}"
        self._file = self.path.open("xb")
        self._waiting: list[bytes | Callable[[], Any]] = []
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._wake, self._over = threading.Event(), False
        self._failure: Exception | None = None
        source = SourceMetadata(writer="nas_gym.traces.events")
        self.add(Event(wall_time=time.time(), file_version="brain.Event:2", source_metadata=source))
        self.flush()
        # A daemon, since a run that is neither closed nor finished must not keep its process alive.
        self._thread = threading.Thread(target=self._write_now_and_then, daemon=True)
        self._thread.start()

    def add(self, event: Any) -> None:
        """Add an event.

        Raises:
            OSError: if an earlier one could not be written.
        """
        self._add(event.SerializeToString())

    def summary(self, summary: Any, step: int = 0) -> None:
        """Add a summary of now."""
        self.add(Event(wall_time=time.time(), step=step, summary=summary))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add values of one step, by tag, in one event: a fifth of the time of one event each."""
        self.summary(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]), step
        )

    def add_made(self, make: Callable[[], Any]) -> None:
        """Add an event that the thread makes, once, of what does not change any more.

        Raises:
            OSError: as `add`.
        """
        self._add(make)

    def flush_soon(self) -> None:
        """Have the thread write what is waiting."""
        self._wake.set()

    def flush(self) -> None:
        """Write what is waiting.

        Raises:
            OSError: if the file cannot be written.
        """
        with self._writing:
            with self._adding:
                waiting, self._waiting = self._waiting, []
            if waiting:
                contents = [one if isinstance(one, bytes) else one().SerializeToString() for one in waiting]
                self._file.write(records(contents))
                self._file.flush()

    def close(self) -> None:
        """Write what is waiting and close the file.

        Raises:
            OSError: if it cannot be written.
        """
        if self._file.closed:
            return
        self._over = True
        self._wake.set()
        self._thread.join()
        try:
            if self._failure is not None:
                raise self._failure
            self.flush()
        finally:
            self._file.close()

    def _add(self, content: bytes | Callable[[], Any]) -> None:
        if self._failure is not None:
            raise self._failure
        with self._adding:
            self._waiting.append(content)

    def _write_now_and_then(self) -> None:
        while not self._over:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - whoever adds the next event learns of it
                self._failure = error
                return


def records(contents: Sequence[bytes]) -> bytes:
    """Return contents as records, one behind the other: length, its checksum, content, its checksum.

    Args:
        contents: each of at least 4 bytes.
    """
    lengths = [struct.pack("<Q", len(content)) for content in contents]
    checksums = masked_crcs([*lengths, *contents])
    parts = []
    for number, (length, content) in enumerate(zip(lengths, contents, strict=True)):
        parts += [
            length,
            struct.pack("<I", checksums[number]),
            content,
            struct.pack("<I", checksums[number + len(lengths)]),
        ]
    return b"".join(parts)


def masked_crcs(contents: Sequence[bytes]) -> list[int]:
    """Return the masked CRC-32C of each content, as records hold it.

    A checksum is linear: it is the exclusive or of what each byte, followed by so many zeros, would
    give. Blocks end where their content ends, so that a byte's distance to the end says which table
    it is looked up in; the few blocks of a content are joined one by one.

    Args:
        contents: each of at least 4 bytes.

    Source: RFC 3720, appendix B.4 (the polynomial), and TensorFlow's ``crc32c.h`` (the mask).
    """
    lengths = np.array([len(content) for content in contents])
    data = np.frombuffer(b"".join(contents), dtype=np.uint8).copy()
    ends = np.cumsum(lengths)
    starts = ends - lengths
    # A checksum starts with all bits set, which is the same as the first 4 bytes inverted.
    data[(starts[:, None] + np.arange(4)).ravel()] ^= 0xFF
    blocks = -(-lengths // BLOCK)
    behind = np.repeat(np.cumsum(blocks), blocks) - 1 - np.arange(blocks.sum())
    block_starts = np.maximum(np.repeat(starts, blocks), np.repeat(ends, blocks) - BLOCK * (behind + 1))
    zeros = np.repeat(ends, lengths)
    zeros -= np.arange(1, len(data) + 1)
    zeros &= BLOCK - 1
    zeros <<= 8
    zeros |= data
    parts = np.bitwise_xor.reduceat(_tables().ravel().take(zeros), block_starts)
    values = iter(parts.tolist())
    return [_masked(_joined(list(itertools.islice(values, count)))) for count in blocks.tolist()]


def _joined(parts: list[int]) -> int:
    """The checksum of a content from those of its blocks, each but the first a whole one."""
    first, second, third, fourth = _shifts()
    crc = parts[0]
    for part in parts[1:]:
        crc = first[crc & 255] ^ second[crc >> 8 & 255] ^ third[crc >> 16 & 255] ^ fourth[crc >> 24] ^ part
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _tables() -> np.ndarray:
    """What a byte followed by k zeros gives, uint32 (BLOCK, 256), k the row and the byte the column."""
    found = np.zeros((BLOCK, 256), dtype=np.uint32)
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, crc >> 1 ^ np.uint32(POLYNOMIAL), crc >> 1)
    found[0] = crc
    for k in range(1, BLOCK):
        found[k] = found[k - 1] >> 8 ^ crc[found[k - 1] & 255]
    return found


@cache
def _shifts() -> tuple[list[int], ...]:
    """What each byte of a checksum, the lowest first, becomes after a block of zeros."""
    return tuple(_tables()[BLOCK - 1 - byte].tolist() for byte in range(4))
