"""The command line's ``nas-gym store``: what is in a store, and how results get in and out of it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.progress import reading_bar

if TYPE_CHECKING:
    from nas_gym.evaluators import MergeReport, Store, StoreInfo

store_app = typer.Typer(
    name="store",
    help="Stores of evaluations: describe, export, import, merge and prune them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

INFO_EXAMPLE = "Example: `nas-gym store info user`"
EXPORT_EXAMPLE = "Example: `nas-gym store export user evaluations.parquet`"
IMPORT_EXAMPLE = "Example: `nas-gym store import postgresql://me@lab/nas evaluations.parquet`"
MERGE_EXAMPLE = "Example: `nas-gym store merge postgresql://me@lab/nas user laptop.db`"
PRUNE_EXAMPLE = "Example: `nas-gym store prune user --older-than 90d --dry-run`"

PARTS = {"task": "task", "search space": "search_space", "recipe": "recipe", "engine": "engine"}
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHOWN = 20  # lines of one table

StoreArgument = Annotated[str, typer.Argument(help="user, a path, or postgresql://user@host/database.")]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="Keep the values that are there where others differ, and count them.")
]


@store_app.command(epilog=INFO_EXAMPLE)
@polite
def info(store: StoreArgument) -> None:
    """Describe a store: its size, its evaluations by task, space, recipe and engine, and work in progress."""
    found = _existing(store).info()
    console = output()
    print_plain(
        console,
        f"{found.store}: {found.evaluations:,} evaluations, {found.final_scores:,} final scores, "
        f"{found.bytes / 1e6:,.1f} MB, version {found.version}",
    )
    print_plain(console, f"leases: {found.leases:,} on work in progress, {found.expired_leases:,} expired")
    for title, part in PARTS.items():
        counts = list(found.by(part).items())
        print_plain(console, f"evaluations by {title}" if counts else f"no evaluations by {title}")
        for value, count in counts[:SHOWN]:
            print_plain(console, f"{count:>14,}  {value or 'none'}")
        if len(counts) > SHOWN:
            rest = sum(count for _, count in counts[SHOWN:])
            print_plain(console, f"{rest:>14,}  of {len(counts) - SHOWN:,} others")
    _tell_numerics(found)


@store_app.command("export", epilog=EXPORT_EXAMPLE)
@polite
def export_rows(
    store: StoreArgument,
    file: Annotated[Path, typer.Argument(help="A new file, .parquet or .csv.")],
    final_scores: Annotated[
        bool, typer.Option("--final-scores", help="Scores on test examples in place of evaluations.")
    ] = False,
) -> None:
    """Write all evaluations of a store into a file, a row each.

    A .parquet file needs `pip install 'nas-gym[data]'`.
    """
    source = _existing(store)
    with reading_bar(f"writing {file.name}") as move:
        count = source.export_file(file, final_scores=final_scores, on_progress=move)
    typer.echo(f"{file}: {count:,} {'final scores' if final_scores else 'evaluations'} of {source.spec}")


@store_app.command("import", epilog=IMPORT_EXAMPLE)
@polite
def import_rows(
    store: StoreArgument,
    file: Annotated[Path, typer.Argument(help="A file that nas-gym store export wrote.")],
    keep: KeepOption = False,
) -> None:
    """Take over the rows of a file that `nas-gym store export` wrote.

    Every row is checked against the hash of its key first. Where a key is there with another value, nothing
    is taken over unless --keep is given.
    """
    from nas_gym.evaluators import Store, check_export, store_is_there

    if not store_is_there(store):
        check_export(file)  # so that a file that is refused leaves no empty store behind
    into = Store(store)
    with reading_bar(f"reading {file.name}") as move:
        report = into.import_file(file, keep=keep, on_progress=move)
    _tell_merged(into, report)


@store_app.command(epilog=MERGE_EXAMPLE)
@polite
def merge(
    into: Annotated[str, typer.Argument(help="The store that receives; made where there is none.")],
    sources: Annotated[list[str], typer.Argument(metavar="FROM...", help="Stores that stay as they are.")],
    keep: KeepOption = False,
) -> None:
    """Take over all results of other stores.

    Where a key is there with another value, nothing of that source is taken over unless --keep is given;
    a value that is as near as trainings on one GPU are to each other is counted, and the one that was
    there stays.
    """
    from nas_gym.evaluators import Store, existing_store

    stores = [existing_store(source) for source in sources]
    receiver = Store(into)
    with reading_bar("merging") as move:
        report = receiver.merge(*stores, keep=keep, on_progress=move)
    _tell_merged(receiver, report)


@store_app.command(epilog=PRUNE_EXAMPLE)
@polite
def prune(
    store: StoreArgument,
    older_than: Annotated[str | None, typer.Option(help="Least age, such as 12h, 90d or 6w.")] = None,
    task: Annotated[str | None, typer.Option(help="Fingerprint of a task, or its beginning.")] = None,
    engine: Annotated[int | None, typer.Option(help="Version of the engine.")] = None,
    expired_leases: Annotated[
        bool, typer.Option("--expired-leases", help="Also the leases of those who vanished.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much it would be.")] = False,
) -> None:
    """Remove the results that meet every given condition.

    The space is used again by what is stored next; an SQLite file keeps its size.
    """
    target = _existing(store)
    age = None if older_than is None else _age(older_than)
    with reading_bar("removing") as move:
        done = target.prune(
            older_than=age,
            task=task,
            engine=engine,
            expired_leases=expired_leases,
            dry_run=dry_run,
            on_progress=move,
        )
    said = "would be removed from" if dry_run else "removed from"
    typer.echo(
        f"{done.evaluations:,} evaluations, {done.final_scores:,} final scores and {done.leases:,} expired "
        f"leases {said} {target.spec}"
    )


def _existing(spec: str) -> Store:
    from nas_gym.evaluators import existing_store

    return existing_store(spec)


def _tell_merged(into: Store, report: MergeReport) -> None:
    typer.echo(f"{into.spec}: {report}")
    _tell_numerics(into.info())


def _tell_numerics(found: StoreInfo) -> None:
    """Say where results of one setting are of several numerics, which are never mixed."""
    for numerics, count in Counter(found.side_by_side()).most_common(SHOWN):
        settings = "one setting" if count == 1 else f"{count:,} settings"
        typer.echo(f"{len(numerics)} numerics of {settings} stand side by side: {'; '.join(numerics)}")


def _age(text: str) -> timedelta:
    from nas_gym.errors import ConfigError

    match = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if match is None:
        raise ConfigError(f"--older-than is a number with a unit m, h, d or w, such as 90d, not {text!r}")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
