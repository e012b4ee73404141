"""Records of runs, a line of JSON each, so that a call that was stopped goes on where it was.

The scripts of every folder beside this file use it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def read_records(path: Path) -> list[Record]:
    """Return the records of a file, in order; none where there is no file.

    A last line that was cut off, as a call that is stopped may leave it, is left out.
    """
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record on a line of its own at the end of a file, which several processes may do at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        # A last line that was cut off would take this one with it. Where another process is writing now,
        # what comes between is an empty line at most.
        begin = b""
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            begin = b"" if file.read(1) == b"\n" else b"\n"
        file.write(begin + json.dumps(record).encode() + b"\n")


def run_each(
    work: Callable[[Any, Callable[[Record], None]], None],
    jobs: Sequence[Any],
    workers: int,
    keep: Callable[[Record], None],
) -> None:
    """Do all jobs in processes, and hand each record that they report to `keep` as it comes.

    Args:
        work: as of `nas_agents.run_jobs`.
        jobs: likewise; the first of their `"runs"`, where they have such, says which failed.
        workers: processes side by side.
        keep: called in this process.

    Raises:
        SystemExit: a job failed; the others were done.
    """
    from nas_agents import run_jobs  # of no use to those that only read

    def listen(_: int, record: Record | None) -> None:
        if record is not None:
            keep(record)

    for failure in run_jobs(work, jobs, workers, listen):
        job = jobs[failure.job]
        raise SystemExit(f"{job['runs'][0] if 'runs' in job else job}: {failure.reason}\n{failure.details}")
