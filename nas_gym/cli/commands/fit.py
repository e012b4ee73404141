"""The command ``nas-gym fit``: from a file to a network to use, with a report, in one command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from nas_gym.cli import options
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.data_options import reading_of
from nas_gym.cli.errors import polite
from nas_gym.cli.flags import in_flags
from nas_gym.cli.option_groups import in_place_of
from nas_gym.cli.progress import search_bar

if TYPE_CHECKING:
    from nas_gym.estimators import NASClassifier, NASRegressor

FIT_EXAMPLE = """
Example: `nas-gym fit wine.csv --target quality --minutes 2`
"""


@polite
@in_place_of("reading", reading_of)
def fit(
    file: Annotated[
        Path, typer.Argument(help="Table (.csv, .xlsx, ...), .npz, or folder of images or signals.")
    ],
    target: Annotated[str | None, typer.Option(help="Column to be predicted; several with commas.")] = None,
    target_kind: options.TargetKind = None,
    *,
    reading: dict[str, Any],
    minutes: Annotated[float, typer.Option(help="Time for all of it, by the clock.")] = 5.0,
    small: Annotated[bool, typer.Option("--small", help="A smaller network may score a point less.")] = False,
    agent: Annotated[str | None, typer.Option(help="Name of the agent, see `nas-gym list`.")] = None,
    budget: Annotated[int | None, typer.Option(help="Networks to train at most.")] = None,
    ensemble: Annotated[int, typer.Option(help="Average the answers of so many of the best networks.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Explain the search.")] = True,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    store: options.Store = None,
) -> None:
    """Find a good small network for a file, train it, save it, and say why it is good.

    The search space follows from the data. Small data is judged by folds, the best networks are trained again
    before one is chosen, and the choice is trained on all rows but the test rows, which say how good it is.
    """
    from nas_gym.estimators import fit as fit_data

    limits: Any = {"minutes": minutes} | ({} if budget is None else {"evaluations": budget})
    errors = Console(stderr=True)
    with search_bar(errors, "fit", limits, outlook=True) as move:
        found = fit_data(
            file,
            target,
            minutes=minutes,
            small=small,
            seed=seed,
            agent=agent,
            budget=budget,
            ensemble=ensemble,
            folder=out,
            store="user" if store is None else store,
            report=report,
            on_plan=lambda lines: print_plain(errors, in_flags("\n".join(lines))),
            on_progress=move,
            **options.given(target_kind=target_kind),
            **reading,
        )
    console = output()
    for line in _lines(found, file):
        print_plain(console, line)


def _lines(found: NASClassifier | NASRegressor, file: Path) -> list[str]:
    network, folder = found.network_, found.folder_
    label = network.target.metric.label
    size = network.module.network.parameters
    where = str(folder / "network.pt") if folder is not None else ""
    interval = found.test_interval_
    sure = (
        "" if interval is None else f", 95% interval for new examples {interval[0]:.3f} to {interval[1]:.3f}"
    )
    labels = {one.name: one.label for one in network.target.others}
    metrics = "".join(
        f", {labels.get(name, name)} {value:.4g}" for name, value in found.test_metrics_.items()
    )
    lines = [
        *map(in_flags, found.reasons_),
        f"network: {found.architecture_} ({size:,} weights), trained on all but the test examples",
        f"  test {label} {found.test_score_:.4f}{sure}{metrics}; the best constant answer has "
        f"{found.constant_score_:.4f}",
        f"saved: {where}",
    ]
    if found.report_ is not None:
        lines.append(f"why: {found.report_}")
    return [
        *lines,
        f"predict: nas-gym predict {shlex.quote(where)} {shlex.quote(str(file))}",
        f"export: nas-gym export {shlex.quote(where)} --to onnx",
    ]
