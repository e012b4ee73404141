"""How the found network is used: predicting, what it costs, where it is wrong, exporting, as a section."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from threadpoolctl import threadpool_limits

from nas_gym.deploy import FORMATS, REFITTED, SavedNetwork, example_rows, load_network, network_file
from nas_gym.explain.evidence.network import trained_network
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.phrases import listed, quantity
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, withheld
from nas_gym.explain.sections.usage.columns import column_table
from nas_gym.explain.sections.usage.wrong import most_wrong

KEY, QUESTION = "usage", "How do I use it?"
MANY, REPEATS = 1000, 5


def explain_usage(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer how to predict with the network, what it costs, where it is most wrong, and how to export it.

    Args:
        evidence: evidence of a run in which not everything failed.
        settings: not used.
    """
    file = _file(evidence)
    if file is None:
        why = "This run kept no trained network, so there is no file to use."
        return withheld(KEY, QUESTION, why, is_applicable=False)
    saved = load_network(file)
    one, many = (_seconds(saved, count) for count in (1, MANY))
    network = saved.module.network
    trained = trained_network(evidence)
    wrong = None if isinstance(trained, str) else most_wrong(trained)
    answer = [
        f"Predict the rows of a file by `nas-gym predict {shlex.quote(str(file))} FILE`, which writes the "
        f"answers beside them, or in Python by `nas_gym.load_network({str(file)!r}).predict(FILE)`.",
        f"It has {network.parameters:,} parameters and takes {network.flops:,} FLOPs an example; its file "
        f"has {file.stat().st_size / 1000:,.1f} kB. One thread of the machine that made this report answers "
        f"one example in {_time(one)} and {MANY:,} in {_time(many)}, with their preparation.",
        *([] if wrong is None else [wrong.words]),
        f"Export it by `nas-gym export {shlex.quote(str(file))} --to onnx`, or to {listed(_others())}; what "
        "is written takes raw examples and is checked against this network.",
    ]
    return Section(
        KEY,
        QUESTION,
        tuple(answer),
        trust=_trust(file),
        tables=(
            *([] if wrong is None or wrong.table is None else [wrong.table]),
            *([] if saved.encoder is None else [column_table(saved.encoder)]),
        ),
        numbers={
            "file": file.name,
            "architecture": saved.architecture,
            "parameters": network.parameters,
            "flops": network.flops,
            "bytes": file.stat().st_size,
        },
    )


USAGE = Question(KEY, QUESTION, explain_usage, about="network", method=QUESTION, free=True)


def _file(evidence: Evidence) -> Path | None:
    """Return the file of the network to use; None without one."""
    file = network_file(evidence.folder.path)
    return file if file.is_file() else None


def _trust(file: Path) -> str:
    measured = "Times are medians of 5 on the machine that made this report. No test example was looked at."
    if file.name != REFITTED:
        return measured
    return (
        f"{measured} The mistakes are those of the network that the search kept, not trained on the "
        "validation examples; the file holds the same architecture, trained on these too."
    )


def _seconds(saved: SavedNetwork, count: int) -> float:
    """Return the time of predicting so many examples, preparation included, by one thread."""
    rows = example_rows(saved, count)
    with threadpool_limits(limits=1):  # type: ignore[no-untyped-call]
        return _median(lambda: saved.predict(rows))


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def _time(seconds: float) -> str:
    return f"{quantity(1000 * seconds, 2)} ms" if seconds < 1 else f"{seconds:.2f} s"


def _others() -> list[str]:
    return [name for name in FORMATS if name != "onnx"]
