"""How fast is a store that holds many evaluations?

    python -m benchmarks.speed.store --rows 1000000                          # SQLite, about two minutes
    python -m benchmarks.speed.store --rows 10000000 --folder /big/disk      # 22 GB, about half an hour
    python -m benchmarks.speed.store --rows 1000000 --url postgresql://me@host/an_empty_database

The rows are generated: architectures of `mlp` on 10 tasks with 2 recipes by 2 kinds of processors, each
with the key that `TrainEvaluator` would give it, and written by the fastest way that the database has. What
is timed then goes through `Store` as a search does, in one process, each with other keys every time;
the first and the median are shown. Counting is `Store.info`: rows by task, space, recipe, engine and
numerics. The file lies in a temporary folder that is removed; tables on a server are dropped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from nas_gym.evaluators import Evaluation, Store
from nas_gym.evaluators.store.database import address
from nas_gym.evaluators.store.keys import canonical, setting_of
from nas_gym.evaluators.store.schema import EVALUATIONS, METADATA, SETTINGS

BATCH = 10_000
OPERATIONS = [f"{activation}-{width}" for activation in ("relu", "sigmoid", "tanh") for width in (16, 64)]
RECIPE = {
    "batch_size": 128,
    "label_smoothing": 0.0,
    "learning_rate": 0.01,
    "max_parameters": None,
    "optimizer": "adamw",
    "schedule": "cosine",
    "weight_decay": 0.01,
}
SPACE = {"activations": ["relu", "sigmoid", "tanh"], "max_layers": 8, "name": "mlp", "widths": [16, 64]}
SETTINGS_OF_ROWS = [
    {
        "engine": 1,
        "fidelity": None,
        "numerics": f"cpu, fp32, torch 2.13.0+cpu, {processor}",
        "recipe": RECIPE | {"epochs": epochs},
        "search_space": {
            "activations": ["relu", "sigmoid", "tanh"],
            "max_layers": 8,
            "name": "mlp",
            "widths": [16, 64],
        },
        "task": hashlib.sha256(str(task).encode()).hexdigest(),
    }
    for task in range(10)
    for epochs in (20, 80)
    for processor in ("AVX2, GenuineIntel 6 85 7, 1024K", "AVX512, GenuineIntel 6 207 8, 2048K")
]
CREATED = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SEEDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="evaluations in the store")
    parser.add_argument("--url", help="an empty PostgreSQL database; without it an SQLite file")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--repeats", type=int, default=21, help="measurements of each kind")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        spec = options.url or str(Path(folder) / "store.db")
        try:
            figures = measure(spec, options.rows, options.repeats)
        finally:
            if options.url:
                engine = sa.create_engine(address(spec).url)
                METADATA.drop_all(engine)
                engine.dispose()
    if options.json:
        print(json.dumps(figures))
        return
    where = "PostgreSQL" if options.url else "SQLite"
    table = Table(title=f"{options.rows:,} evaluations, {where}, {figures['bytes'] / 1e9:.2f} GB")
    for heading in ("what", "first, ms", "median, ms"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, (first, median) in figures["seconds"].items():
        table.add_row(what, f"{1e3 * first:,.2f}", f"{1e3 * median:,.2f}")
    Console().print(table)
    Console().print(f"filled in {figures['filled']:,.0f} s")


def measure(spec: str, rows: int, repeats: int) -> dict[str, Any]:
    """Fill a store and time what a search asks of it: seconds of the first and the median."""
    store = Store(spec)
    if store.info().evaluations:
        raise SystemExit(f"{store.spec} holds evaluations already: pass an empty database")
    started = time.perf_counter()
    (fill_file if address(spec).is_sqlite else fill_server)(store, spec, rows)
    filled = time.perf_counter() - started
    rng = random.Random(0)

    def ask(count: int) -> Callable[[], None]:
        def look_up() -> None:
            keys = [key_of(rng.randrange(rows)) for _ in range(count)]
            answers = list(store.compute(EVALUATIONS, keys, _nothing))
            assert all(was_stored for _, _, was_stored in answers)

        return look_up

    new = iter(range(rows, rows + 2 * repeats))

    def add() -> None:
        number = next(new)
        answers = store.compute(EVALUATIONS, [key_of(number)], lambda _: iter([(0, evaluation_of(number))]))
        assert [was_stored for _, _, was_stored in answers] == [False]

    def count() -> None:
        assert sum(store.info().by("task").values()) >= rows

    kinds = {
        "open": lambda: Store(spec).close(),
        "one key": ask(1),
        "1,000 keys": ask(1000),
        "one new evaluation": add,
        "count by task and the rest": count,
    }
    seconds = {what: times(kind, repeats if what[0] != "c" else 5) for what, kind in kinds.items()}
    info = store.info()
    store.close()
    return {"store": info.store, "bytes": info.bytes, "rows": rows, "filled": filled, "seconds": seconds}


def times(function: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Seconds of the first call, and their median over calls."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return seconds[0], statistics.median(seconds)


def fill_file(store: Store, spec: str, rows: int) -> None:
    """Insert rows into an SQLite file; the small index is made at the end."""
    table = EVALUATIONS.table.name
    names = [column.name for column in EVALUATIONS.table.columns]
    insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})"  # noqa: S608
    store.close()
    connection = sqlite3.connect(spec)
    for pragma in ("synchronous=OFF", "cache_size=-2000000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"DROP INDEX ix_{table}_setting")
    connection.executemany(f"INSERT INTO {SETTINGS.name} VALUES (?, ?)", settings())  # noqa: S608
    for batch in batches(rows, lambda when: when.isoformat(" ", "microseconds")):
        connection.executemany(insert, batch)
        connection.commit()
    connection.execute(f"CREATE INDEX ix_{table}_setting ON {table} (setting)")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def fill_server(store: Store, spec: str, rows: int) -> None:
    """Copy rows into a PostgreSQL database, and have it take stock of them as it does by itself in time."""
    import psycopg

    url = address(spec).url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.executemany(f"INSERT INTO {SETTINGS.name} VALUES (%s, %s)", settings())  # noqa: S608
        for batch in batches(rows, lambda when: when):
            with cursor.copy(f"COPY {EVALUATIONS.table.name} FROM STDIN") as copy:
                for row in batch:
                    copy.write_row(row)
        cursor.execute(f"VACUUM ANALYZE {EVALUATIONS.table.name}")


def batches(rows: int, when: Callable[[datetime], object]) -> Iterator[list[tuple[object, ...]]]:
    """Yield generated rows, the columns in the order of the table."""
    expected = EVALUATIONS.row(key_of(7), evaluation_of(7)) | {"created": CREATED}
    assert row_of(7, CREATED) == tuple(expected[each.name] for each in EVALUATIONS.table.columns)
    created = when(CREATED)
    with Progress(transient=True) as progress:
        bar = progress.add_task("filling", total=rows)
        for start in range(0, rows, BATCH):
            batch = [row_of(number, created) for number in range(start, min(rows, start + BATCH))]
            yield batch
            progress.update(bar, advance=len(batch))


def architecture_of(number: int) -> str:
    """Text of an architecture: the digits of its number to the base of the operations."""
    digits = []
    while True:
        number, digit = divmod(number, len(OPERATIONS))
        digits.append(OPERATIONS[digit])
        if not number:
            return " > ".join(digits)


def parts_of(number: int) -> tuple[int, str, int]:
    """Setting, architecture and seed of a row."""
    rest, setting = divmod(number, len(SETTINGS_OF_ROWS))
    architecture, seed = divmod(rest, SEEDS)
    return setting, architecture_of(architecture), seed


def key_of(number: int) -> dict[str, Any]:
    """Key of a row."""
    setting, architecture, seed = parts_of(number)
    return SETTINGS_OF_ROWS[setting] | {"architecture": architecture, "seed": seed}


def evaluation_of(number: int) -> Evaluation:
    """Result of a row."""
    _, architecture, seed = parts_of(number)
    epochs = SETTINGS_OF_ROWS[number % len(SETTINGS_OF_ROWS)]["recipe"]["epochs"]
    curve = curve_of(epochs)
    return Evaluation(architecture, curve[-1], curve, 1000 + number, 2000, 0.5, "ok", "", (seed,))


@cache
def curve_of(epochs: int) -> tuple[float, ...]:
    """A curve of validation scores with as many digits as real ones."""
    return tuple(1 - 0.9 / (epoch + 1.7) for epoch in range(epochs))


@cache
def template(setting: int) -> tuple[str, str, str, str, str, int, str]:
    """What the rows of a setting share: the key before and after what differs, and the readable columns."""
    config = SETTINGS_OF_ROWS[setting]
    whole = canonical(config | {"architecture": "@@", "seed": 0})
    before, after = whole.split("@@")
    first, last = after.split('"seed":0')
    curve = canonical(curve_of(config["recipe"]["epochs"]))
    return before, first, last, config["task"], canonical(config["recipe"]), setting_of(config)[0], curve


def row_of(number: int, created: object) -> tuple[object, ...]:
    """Row of the table, as `EVALUATIONS.row` gives it and many times faster."""
    setting, architecture, seed = parts_of(number)
    before, first, last, task, recipe, number_of_setting, curve = template(setting)
    config = SETTINGS_OF_ROWS[setting]
    text = f'{before}{architecture}{first}"seed":{seed}{last}'
    key = hashlib.sha256(text.encode()).hexdigest()
    readable = (architecture, task, recipe, seed, None, 1, config["numerics"], text, "ok", "", created)
    score = curve_of(config["recipe"]["epochs"])[-1]
    return (key, *readable, score, curve, 1000 + number, 2000, 0.5, "{}", number_of_setting)


def settings() -> list[tuple[int, str]]:
    """Rows of the settings."""
    return [setting_of(config) for config in SETTINGS_OF_ROWS]


def _nothing(positions: list[int]) -> Iterator[tuple[int, Evaluation]]:
    raise AssertionError("a key that is stored was asked for")


if __name__ == "__main__":
    main()
