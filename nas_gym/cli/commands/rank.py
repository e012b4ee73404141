"""The command ``nas-gym rank``: how well cheap scores rank a search space, against a table."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from nas_gym.cli import options
from nas_gym.cli.commands.benchmark import named_table
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.progress import ranking_bar

if TYPE_CHECKING:
    from nas_gym.explain import Interval, Score, ScoreRanking, ScoreRow
    from nas_gym.tables import Table
    from nas_gym.tasks import Task

RANK_EXAMPLE = """
Example: `nas-gym rank mlp-mnist1d --scores synflow,nwot,az_nas --networks 500`

A supernet: `nas-gym rank mlp-mnist1d --scores '[{"name": "supernet", "trainings": 20}]'`

A model of 60 trained networks:
`nas-gym rank mlp-mnist1d --scores '[{"name": "surrogate", "agent": "model-based", "trainings": 60}]'`
"""
USUAL = "plain,snip,grasp,grad_norm,l2_norm,jacov,nwot,synflow,zen,zico,swap,meco,az_nas"
ABOUT = (
    "tau: Kendall's tau-b; top 10%: the same within the best tenth; rho: Spearman; rho | params: with the "
    "rank of parameters held fixed; P@: share of the best by score that is among the best; BR@: place of the "
    "best of them, in % of all; s: seconds a network and seed; cost: trainings that scoring all networks "
    "takes, in % of training them all"
)
COLUMNS = {
    "tau": "tau",
    "tau_top_tenth": "top 10%",
    "rho": "rho",
    "partial_rho": "rho | params",
    "precision_5": "P@5%",
    "precision_0.5": "P@0.5%",
    "best_rank_5": "BR@5%",
    "best_rank_0.5": "BR@0.5%",
}
PERCENT = ("best_rank_5", "best_rank_0.5")


@polite
def rank(
    table: Annotated[str, typer.Argument(help="Name of a table, like mlp-mnist1d or nasbench201.")],
    scores: Annotated[
        str,
        typer.Option(
            help="Proxies with commas between, or a JSON list of proxies, evaluators and surrogates."
        ),
    ] = USUAL,
    networks: Annotated[
        int | None, typer.Option(help="Networks to compare, drawn at random; 0 for all.", min=0)
    ] = 1000,
    seeds: Annotated[int, typer.Option(help="Seeds of each score: weights and batches.", min=1)] = 3,
    fidelities: Annotated[
        str | None,
        typer.Option(help="Epochs of short trainings to compare with, like 1,3; a few by default."),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Data of the table: name, JSON or path; by default what it recorded.")
    ] = None,
    draw: Annotated[int, typer.Option(help="Seed of the draw of networks.", min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers here.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write all numbers here.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    store: options.Store = None,
) -> None:
    """Measure how well cheap scores rank the networks of a table.

    What they should rank by is the validation score of the table, averaged over its training seeds.
    Parameters, FLOPs and short trainings stand beside them; a supernet also stands beside one that was
    trained on shuffled labels. Intervals are of 95%: over seeds, and over networks where seeds change
    nothing.
    """
    from nas_gym.explain import rank_scores

    found_table = named_table(table)
    epochs = None if fidelities is None else options.whole_numbers("--fidelities", fidelities)
    asked = [_score(each) for each in options.agents_of(scores)]
    with ranking_bar(Console(stderr=True)) as move:
        found = rank_scores(
            found_table,
            _task(found_table, task),
            asked,
            networks=networks or None,
            seeds=range(seeds),
            draw=draw,
            fidelities=epochs,
            device=device,
            store="user" if store is None else store,
            progress=move,
        )
    _show(found)
    _write(found, json_file, csv_file)


def _score(asked: Any) -> Score:
    """Return a score as `rank_scores` takes it: a surrogate is one that agents make."""
    from nas_agents import surrogate_of

    surrogate = asked == "surrogate" or (isinstance(asked, dict) and asked.get("name") == "surrogate")
    found: Score = surrogate_of(asked) if surrogate else asked
    return found


def _task(table: Table, text: str | None) -> Task | None:
    """Return the task asked for, or the one that a table of our own was recorded on; None where unknown."""
    from nas_gym.tables import recorded_task
    from nas_gym.tasks import make_task

    return recorded_task(table) if text is None else make_task(options.name_or_json("--task", text))


def _show(found: ScoreRanking) -> None:
    console = output()
    over = f"{found.networks:,} of {found.size:,} networks of {found.table}"
    print_plain(console, f"{over}, ranked by {found.measure} averaged over its training seeds")
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    grid.add_column("score", overflow="fold")
    for head in (*COLUMNS.values(), "s", "cost"):
        grid.add_column(head, justify="right", no_wrap=True)
    for row in found.rows:
        grid.add_row(row.score, *_cells(row))
    console.print(grid)
    print_plain(console, ABOUT)
    for row in found.rows:
        if row.without:
            print_plain(console, f"{row.score}: {row.without:,} networks have no value, and rank last")


def _cells(row: ScoreRow) -> list[str]:
    cells = [_number(row.quality[name], name) for name in COLUMNS]
    cost = "-" if row.cost is None else f"{row.cost * 100:.3g}%"
    return [*cells, f"{row.seconds:.2g}" if row.seconds else "0", cost]


def _number(interval: Interval, name: str) -> str:
    """Return a number with half the width of its interval: ``".53±.02"``."""
    if math.isnan(interval.value):
        return "-"
    factor, digits = (100, 1) if name in PERCENT else (1, 2)
    text = f"{interval.value * factor:.{digits}f}"
    if name in ("tau", "tau_top_tenth", "rho", "partial_rho") and not math.isnan(interval.low):
        text += f"±{(interval.high - interval.low) / 2:.2f}"
    return text


def _write(found: ScoreRanking, json_file: Path | None, csv_file: Path | None) -> None:
    from nas_gym.common import write_text

    rows = [row.as_dict() for row in found.rows]
    if json_file is not None:
        about: dict[str, Any] = {
            "table": found.table,
            "measure": found.measure,
            "networks": found.networks,
            "size": found.size,
            "seeds": list(found.seeds),
        }
        write_text(json_file, json.dumps(about | {"rows": rows}, indent=1) + "\n")
    if csv_file is not None:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(csv_file, text.getvalue())
