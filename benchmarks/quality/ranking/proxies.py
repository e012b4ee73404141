"""Which cheap scores rank networks: every proxy against every shipped table.

    python benchmarks/quality/ranking/proxies.py
    python benchmarks/quality/ranking/proxies.py --networks 1000 --seeds 5

Printed are Kendall's tau-b over all networks, within the best tenth, and Spearman's correlation with the
rank of parameters held fixed, of networks drawn at random against the mean validation accuracy over training
seeds. Signs are those that the proxies state: none is turned by what the table says. For NAS-Bench-201 see
cells.py beside this, for combinations of proxies combinations.py.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nas_gym.evaluators import BATCH, POOL_PROXIES, PROXIES
from nas_gym.explain import Interval, ScoreRanking, rank_scores
from nas_gym.tables import load_table
from nas_gym.tasks import Task, make_task

SHARED = Path(__file__).parents[4] / "shared" / "data"
SHIPPED = (
    "mlp-mnist1d",
    "mlp-digits",
    "conv-mnist1d",
    "conv-spoken_words",
    "recurrent-language_id",
    "graph-logp",
    "forecaster-seasonal",
)
EVERY = [*PROXIES, *POOL_PROXIES]
SHOWN = {"tau": "tau", "tau_top_tenth": "top tenth", "partial_rho": "rho, params fixed"}


def main() -> None:
    options = _options()
    scores = options.proxies.split(",") if options.proxies else EVERY
    for name in options.tables.split(","):
        table = load_table(*name.split("-", 1))
        task = make_task(table.about["task"])
        start = time.perf_counter()
        found = rank_scores(
            table,
            task,
            [score for score in scores if reads(score, task)],
            networks=options.networks,
            seeds=range(options.seeds),
            device=options.device,
            batch=options.batch,
            progress=_told,
        )
        took = time.perf_counter() - start
        print(f"\n{found.networks:,} of {found.size:,} networks of {found.table}, {took:.0f} s\n")
        print(markdown(found))


def reads(proxy: str, task: Task) -> bool:
    """Return whether a task has what a score reads, such as classes."""
    return proxy not in PROXIES or PROXIES[proxy].needs != "classes" or task.target.kind == "classes"


def markdown(found: ScoreRanking) -> str:
    """Return the table of a ranking, as the page of proxies shows it."""
    lines = [f"| score | {' | '.join(SHOWN.values())} | ms |", f"|{'---|' * (len(SHOWN) + 2)}"]
    for row in found.rows:
        cells = [shown_interval(row.quality[name]) for name in SHOWN]
        note = f" ({row.without} without a value)" if row.without else ""
        lines.append(f"| {row.score}{note} | {' | '.join(cells)} | {row.seconds * 1000:.3g} |")
    return "\n".join(lines)


def _told(what: str, share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}: {share:.0%} ", end="", file=sys.stderr)


def shown_interval(interval: Interval) -> str:
    """Return a number with its interval, "-" for none."""
    if math.isnan(interval.value):
        return "-"
    if math.isnan(interval.low):
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", default=",".join(SHIPPED), help="names of tables of the package")
    parser.add_argument("--networks", type=int, default=300, help="of each table")
    parser.add_argument("--seeds", type=int, default=3, help="of each proxy")
    parser.add_argument("--batch", type=int, default=BATCH, help="examples of a batch")
    parser.add_argument("--proxies", default="", help="names with commas between; all by default")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
