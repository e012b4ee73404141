"""The command line's ``nas-gym benchmark``: tables that there are, what is in them, how to get more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.errors import polite
from nas_gym.cli.executor_options import Address, Executing, executor_of
from nas_gym.cli.progress import building_bar, reading_bar

if TYPE_CHECKING:
    from nas_gym.tables import Table

benchmark_app = typer.Typer(
    name="benchmark",
    help="Tables of every architecture's results: list, describe, import and build them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

LIST_EXAMPLE = "Example: `nas-gym benchmark list`"
INFO_EXAMPLE = "Example: `nas-gym benchmark info mlp-mnist1d --picture landscape.png`"
BUILD_EXAMPLE = """
Examples: `nas-gym benchmark build --space mlp --task mnist1d`

Harder: `nas-gym benchmark build --space mlp --task '{"name": "digits", "train_size": 200}' --label small`
"""
VERIFY_EXAMPLE = "Example: `nas-gym benchmark verify mlp-mnist1d --architectures 20`"
LATENCY_EXAMPLE = "Example: `nas-gym benchmark import-latency nasbench201_latency.csv.gz`"
IMPORT_EXAMPLE = "Example: `nas-gym benchmark import nasbench201 nasbench201_cifar10.csv.gz --task cifar10`"


@benchmark_app.command("list", epilog=LIST_EXAMPLE)
@polite
def list_tables() -> None:
    """List the tables of the package and of the user's folder."""
    from rich.console import Console
    from rich.table import Table as Grid

    from nas_gym.errors import NASGymError
    from nas_gym.tables import HOW_TO_GET, SHIPPED, read_table, table_files

    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for head in ("name", "task", "space", "size", "epochs", "seeds", "KB", "where"):
        grid.add_column(head, overflow="fold", justify="right" if head in ("size", "KB") else "left")
    files = table_files()
    for name, path in files.items():
        where = "package" if path.parent == SHIPPED else str(path.parent)
        kilobytes = f"{path.stat().st_size / 1000:,.0f}"
        try:
            grid.add_row(name, *_columns(read_table(path)), kilobytes, where)
        except NASGymError:
            grid.add_row(name, "damaged: build or import it again", "", "", "", "", kilobytes, where)
    Console(width=None if Console().is_terminal else 200).print(grid)
    for benchmark, how in HOW_TO_GET.items():
        if not any(name.startswith(f"{benchmark}-") for name in files):
            typer.echo(f"{benchmark} is not here: {how}")


@benchmark_app.command(epilog=INFO_EXAMPLE)
@polite
def info(
    name: Annotated[str, typer.Argument(help="Name of a table, like mlp-mnist1d or nasbench201.")],
    picture: Annotated[
        Path | None, typer.Option(help="Where the picture of the landscape is written; NAME.png by default.")
    ] = None,
    trust: options.Trust = None,
) -> None:
    """Describe a table's landscape, and draw it."""
    trust_modules(*(trust or ()))
    from nas_gym.tables import describe, draw_landscape, sentences

    table = named_table(name)
    landscape = describe(table)
    for sentence in sentences(landscape):
        typer.echo(sentence)
    path = Path(f"{table.name}.png") if picture is None else picture
    draw_landscape(landscape, path)
    typer.echo(f"picture: {path}")


@benchmark_app.command("import", epilog=IMPORT_EXAMPLE)
@polite
def import_published(
    name: Annotated[str, typer.Argument(help="nasbench101, nasbench201, nasbench_graph or nasbench_macro.")],
    file: Annotated[
        Path,
        typer.Argument(
            help="A .csv(.gz) file; of nasbench101 also .jsonl or .json(.gz), of nasbench201 the archive."
        ),
    ],
    task: Annotated[str, typer.Option(help="Label of the data set that the results are of.")] = "cifar10",
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read an archive of pickles, which can run any code.")
    ] = False,
) -> None:
    """Import published results as a table.

    NAS-Bench-101: rows of CSV or lines of JSON with module_adjacency and module_operations (JSON) or
    module_hash, epochs, trainable_parameters, validation_accuracy, test_accuracy (shares) and training_time;
    one row for each training, or several joined by semicolons. Cells that it lacks count as failed.

    NAS-Bench-201: a .csv or .csv.gz file with the columns architecture (the official string),
    val_acc_12, val_acc_200, val_acc_200_by_seed (joined by semicolons), test_acc_200,
    train_seconds_200, params and flops_millions; or the official archive of NATS-Bench
    (NATS-tss-v1_0-3ffb9-full.pickle.pbz2 or the folder NATS-tss-v1_0-3ffb9-simple) with
    `pip install 'nas-gym[nats]'` and --trust-pickle.

    NAS-Bench-Graph: arxiv.bench or cs.bench of the package that `pip install 'nas-gym[nasbench-graph]'`
    brings. Plain numbers are read of it and nothing else, so that it needs no --trust-pickle.

    NAS-Bench-Macro: architecture (8 digits), test_acc_0 to test_acc_2, params and flops. Only test
    accuracies were published, so a search selects on what it is scored by.

    Of NAS-Bench-201 and NAS-Bench-Macro accuracies are percent, and every architecture must be there
    once, in any order.
    """
    from nas_gym.tables import import_table

    with reading_bar(f"reading {file.name}") as move:
        table, path = import_table(name, file, task, trust_pickle=trust_pickle, on_progress=move)
    typer.echo(f"imported {table!r}: {path}")
    if table.caution:
        typer.echo(f"caution: {table.caution}")


@benchmark_app.command("import-latency", epilog=LATENCY_EXAMPLE)
@polite
def import_latency(
    file: Annotated[Path, typer.Argument(help="A .csv or .csv.gz file with a column of ms for each device.")],
    table: Annotated[str, typer.Option(help="Name of the table whose networks they are of.")] = (
        "nasbench201-cifar10"
    ),
    trust: options.Trust = None,
) -> None:
    """Attach the latencies of a table's networks on devices.

    The file has the column index (the published number) or architecture, and for each device a column of
    milliseconds, called DEVICE_ms. They are kept beside the table, which does not change.
    """
    import numpy as np

    from nas_gym.tables import import_latencies

    trust_modules(*(trust or ()))

    found, path = import_latencies(file, table)
    for device, latencies in found.items():
        low, middle, high = np.quantile(latencies.milliseconds, (0, 0.5, 1))
        typer.echo(f"{device}: {low:.3g} to {high:.3g} ms, median {middle:.3g} ms")
    first = next(iter(found))
    typer.echo(f'kept in {path}; use them with --evaluator and the option "latency": "{first}"')


@benchmark_app.command(epilog=BUILD_EXAMPLE)
@polite
def build(
    space: Annotated[str, typer.Option(help="Name of a search space, or JSON with its options.")],
    task: Annotated[str, typer.Option(help="Name of a task, or JSON with its options.")],
    recipe: Annotated[str, typer.Option(help='How to train, JSON like {"epochs": 20}.')] = "{}",
    train_seeds: Annotated[str, typer.Option(help="Training seeds of every architecture.")] = "0,1,2",
    benchmark: Annotated[str | None, typer.Option(help="Name of the table; of the space by default.")] = None,
    label: Annotated[str | None, typer.Option(help="What the task is called; its name by default.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    executor: Executing = None,
    address: Address = None,
    out: Annotated[Path | None, typer.Option(help="The file; by default in the user's folder.")] = None,
) -> None:
    """Train every architecture of a space with every seed and record it as a table.

    An interrupted build goes on where it was when the same command is given again.
    """
    from nas_gym.cli.options import name_or_json, recipe_of, seeds_of
    from nas_gym.errors import ConfigError
    from nas_gym.tables import Tabulation, build_table, user_folder

    tabulation = Tabulation.of(
        name_or_json("--space", space),
        name_or_json("--task", task),
        recipe_of(recipe),
        seeds_of(train_seeds),
        device,
        executor_of(executor, address),
    )
    benchmark = tabulation.search_space.name if benchmark is None else benchmark
    label = tabulation.task.name if label is None else label
    path = user_folder() / f"{benchmark}-{label}.npz" if out is None else out
    if path.exists():
        raise ConfigError(f"{path} exists already: remove it, or write another file with --out")
    with building_bar(f"{benchmark} on {label}") as move:
        table = build_table(tabulation, benchmark, label, path, move)
    typer.echo(f"built {table!r}: {path}")


@benchmark_app.command(epilog=VERIFY_EXAMPLE)
@polite
def verify(
    name: Annotated[str, typer.Argument(help="Name of a table that was built, like mlp-mnist1d.")],
    architectures: Annotated[int, typer.Option(help="How many to train again, drawn at random.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the draw.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    trust: options.Trust = None,
) -> None:
    """Train a sample of a table's networks again and compare with what it holds."""
    trust_modules(*(trust or ()))
    from nas_gym.tables import check_table

    check = check_table(named_table(name), architectures, seed, device)
    for sentence in check.wrong:
        typer.echo(f"  {sentence}")
    verdict = "all agree" if check.ok else f"{len(check.wrong)} differ"
    typer.echo(
        f"{check.architectures} architectures trained again with every seed, {check.trainings} trainings, "
        f"{check.why}: {verdict}"
    )
    if not check.ok:
        raise typer.Exit(1)


def named_table(name: str) -> Table:
    """Return the table of ``"<benchmark>-<task>"``, or of a benchmark that has one."""
    from nas_gym.tables import asked_table, load_table, table_files

    benchmark, dash, task = name.partition("-")
    known = dash or name in table_files()
    return load_table(benchmark, task) if known else asked_table(benchmark, None)


def _columns(table: Table) -> tuple[str, ...]:
    """Return task, space, size, fidelities and seeds of a table."""
    epochs = [str(each) for each in table.fidelities]
    shown = ", ".join(epochs) if len(epochs) <= 3 else f"{epochs[0]} to {epochs[-1]} ({len(epochs)})"
    seeds = ", ".join(map(str, table.seeds[table.fidelities[-1]])) or "none"
    return table.task, table.search_space.name, f"{table.size:,}", shown, seeds
