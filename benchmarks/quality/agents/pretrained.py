"""The pretrained policy where it was not trained: evaluations to the optimum, score after 20, and controls.

    python benchmarks/quality/agents/pretrained.py --table unseen --seeds 60      # synthetic, spaces left out
    python benchmarks/quality/agents/pretrained.py --table mlp-mnist1d --table mlp-digits --table conv-mnist1d
    python benchmarks/quality/agents/pretrained.py --table nasbench201 --table nasbench_macro --seeds 500

``optimum``: evaluations until a search asks for the table's best architecture by the mean validation score
over training seeds, at most 150. ``after 20``: regret of the best of 20 evaluations, of searches with that
budget. Of ``unseen`` each seed is a landscape of its own, on a space that the policy was not trained on. The
policy was trained on no table, so that all tables are unseen.

Controls: ``random-weights``, the network before its training; ``no-run``, the policy without what the run
says, so that it goes down a fixed list; ``exchanged``, the policy on the table in which the choices of each
variable have changed places, so that sizes and depths mean something else than in training; ``renumbered``,
the space with its operations in another order, which changes nothing but how ties fall; ``replay``, the best
networks of another table of the space in order (where there is none, the largest networks first).
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from nas_agents import Agent, PolicyWeights, Session, holm, make_agent, permutation_test
from nas_agents.pretrained import search
from nas_agents.pretrained.pool import Pool, whole_pool
from nas_agents.pretrained.readings import READINGS
from nas_agents.pretrained.state import READ
from nas_agents.pretrained.training.learning import fresh_network
from nas_agents.pretrained.weights import read_weights, shipped_weights
from pretrained_landscapes import SYNTHETIC, problem, table_of
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table as Grid

from nas_gym.search_spaces import SearchSpace

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records, run_each

POLICY = "pretrained"
FORMS = (POLICY, "pretrained-walk")
CONTROLS = ("random-weights", "no-run", "exchanged", "renumbered", "replay")
RIVALS = (
    "model-based",
    "local-search",
    "evolution",
    "tpe",
    "reinforce",
    "greedy-walk",
    "random",
    "random-walk",
    "q-learning",
    "ppo",
    "dqn",
)
OTHER = {"mlp-mnist1d": "mlp-digits", "mlp-digits": "mlp-mnist1d"}
MOST, EARLY = 150, 20
SEEDS_OF_A_JOB = 5


class WithoutRun(PolicyWeights):
    """The policy, blind for what the run says but which architectures were evaluated."""

    def judge(self, features: np.ndarray, pool: Pool) -> np.ndarray:
        """Score candidates by their readings and graphs alone."""
        seen = np.zeros_like(features)
        seen[:, READ] = features[:, READ]
        return super().judge(seen, pool)


@dataclass(kw_only=True)
class Replay(Agent):
    """Asks for architectures in a fixed order: the best of another table, or the largest first."""

    name = "replay"
    access = "query"

    table: str

    def run(self, session: Session) -> None:
        space = session.search_space
        if self.table in OTHER:
            order = np.argsort(-table_of(OTHER[self.table]).mean_score())
        else:
            order = np.argsort(-whole_pool(space).readings[:, READINGS.index("parameters")], kind="stable")
        for number in order:
            session.ask([space.architecture(int(number))])


def main() -> None:
    options = _options()
    searchers = options.searcher or [*FORMS, *CONTROLS, *RIVALS]
    wanted = [
        (table, searcher, kind, seed)
        for table in options.table or [SYNTHETIC]
        for searcher in searchers
        if fits(table, searcher)
        for kind in options.kind or ("optimum", "early")
        for seed in range(1 if searcher == "replay" else options.seeds)
    ]
    out = options.out or Path(tempfile.gettempdir()) / "nas-gym-pretrained.jsonl"
    runs = read_records(out)
    policy = (shipped_weights() if options.policy is None else read_weights(options.policy)).digest[:12]
    known = {_key(run) for run in runs}
    missing = [each for each in wanted if (*each, policy) not in known]
    jobs = [
        {
            "runs": missing[start : start + SEEDS_OF_A_JOB],
            "policy": options.policy,
            "digest": policy,
            "pools": None if options.pools is None else str(options.pools),
        }
        for start in range(0, len(missing), SEEDS_OF_A_JOB)
    ]
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as progress:
        bar = progress.add_task("runs", total=len(missing))

        def keep(run: dict[str, Any]) -> None:
            runs.append(run)
            append_record(out, run)
            progress.update(bar, advance=1)

        run_each(work, jobs, options.workers, keep)
    asked = {(*each, policy) for each in wanted}
    shown = [run for run in runs if _key(run) in asked]
    for table in options.table or [SYNTHETIC]:
        Console(width=120).print(tabulated(table, [run for run in shown if run["table"] == table]))


def fits(table: str, searcher: str) -> bool:
    """Return whether there is such a control of a table."""
    if table == SYNTHETIC:
        return searcher not in ("exchanged", "renumbered", "replay")
    if searcher == "renumbered":
        return table in ("nasbench201", *OTHER)
    return not (searcher == "exchanged" and table.startswith("conv"))


def work(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Some runs, in a process of their own."""
    if job["pools"] is not None:
        keep_pools(Path(job["pools"]))
    for table, searcher, kind, seed in job["runs"]:
        env, scores = problem(table, searcher, seed)
        budget = MOST if kind == "optimum" else EARLY
        agent, start = _searcher(table, searcher, job["policy"], seed)
        found = agent.search(env, budget, seed, start=start).evaluations
        seen = [one.score for one in found if one.fidelity is None]
        best = float(scores.max())
        reached = next((number for number, score in enumerate(seen, 1) if score == best), None)
        regret = best - max(seen, default=0.0)
        kind_of = {"landscape": env.unwrapped.evaluator.landscape_kind} if table == SYNTHETIC else {}
        run = {"table": table, "searcher": searcher, "kind": kind, "seed": seed, "policy": job["digest"]}
        report(
            run
            | kind_of
            | {"evaluations_to_optimum": reached, "regret": regret, "spread": float(scores.std())}
        )


def _searcher(table: str, searcher: str, policy: str | None, seed: int) -> tuple[Agent, Any]:
    """Return the agent, and what it starts from."""
    if searcher not in (*FORMS, *CONTROLS):
        return make_agent(searcher), None
    if searcher == FORMS[1]:
        return make_agent(searcher), shipped_weights() if policy is None else read_weights(policy)
    if searcher == "replay":
        return Replay(table=table), None
    weights = shipped_weights() if policy is None else read_weights(policy)
    if searcher == "random-weights":
        weights = PolicyWeights.of_network(fresh_network(1000 + seed), {})
    elif searcher == "no-run":
        weights = WithoutRun(weights.arrays, weights.provenance)
    return make_agent(POLICY), weights


def keep_pools(folder: Path) -> None:
    """Read the networks of a space once for all processes, of whatever policy."""
    folder.mkdir(parents=True, exist_ok=True)

    @lru_cache(maxsize=2)
    def kept(space: SearchSpace[Any]) -> Pool:
        known = sha256(repr((space, sorted(space.config().items()), space.input_shape)).encode()).hexdigest()
        file = folder / f"{known[:16]}.pickle"
        if file.exists():
            pool: Pool = pickle.loads(file.read_bytes())  # noqa: S301 - written by this script
            return pool
        pool = whole_pool(space)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(pool))
        part.replace(file)
        return pool

    search.whole_pool = kept  # type: ignore[attr-defined]


def tabulated(table: str, runs: list[dict[str, Any]]) -> Grid:
    """Show evaluations to the optimum and the regret after 20, with tests against the policy."""
    title = f"{table}: at most {MOST} evaluations to the optimum, regret after {EARLY} in hundredths"
    grid = Grid(title=title + (" of the spread" if table == SYNTHETIC else ""))
    grid.add_column("searcher")
    for head in ("seeds", "median", "in 64", "in 150", f"after {EARLY}", "± s.e.", "p (Holm)"):
        grid.add_column(head, justify="right")
    own = _regrets(runs, POLICY)
    tests = _tests(runs, own)
    for name in dict.fromkeys(run["searcher"] for run in runs):
        needed = np.array(
            [
                run["evaluations_to_optimum"] or MOST + 1
                for run in runs
                if run["searcher"] == name and run["kind"] == "optimum"
            ]
        )
        row = [f"{len(needed)}", "", "", ""]
        if len(needed):
            median = np.median(needed)
            shares = [f"{np.mean(needed <= most):.1%}" for most in (64, MOST)]
            row = [f"{len(needed)}", f"> {MOST}" if median > MOST else f"{median:g}", *shares]
        regrets = _regrets(runs, name)
        if len(regrets):
            row += [f"{regrets.mean():.3f}", f"{regrets.std(ddof=1) / len(regrets) ** 0.5:.3f}"]
            if name in tests:
                row.append(f"{tests[name]:.4f}")
        grid.add_row(name, *row)
    return grid


def _tests(runs: list[dict[str, Any]], own: np.ndarray) -> dict[str, float]:
    """Return p of the regret of each searcher against the policy's, adjusted for their number by Holm."""
    names = [name for name in dict.fromkeys(run["searcher"] for run in runs) if name != POLICY]
    regrets = {name: _regrets(runs, name) for name in names}
    told = [name for name in names if len(regrets[name]) > 1 and len(own) > 1]
    found = holm([permutation_test(own, regrets[name], 0).p for name in told]) if told else []
    return dict(zip(told, map(float, found), strict=True))


def _regrets(runs: list[dict[str, Any]], searcher: str) -> np.ndarray:
    """Return regrets after 20 evaluations in hundredths of the score, or of the spread of drawn scores."""
    return np.array(
        [
            100 * run["regret"] / (run["spread"] if run["table"] == SYNTHETIC else 1.0)
            for run in runs
            if run["searcher"] == searcher and run["kind"] == "early"
        ]
    )


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return (run["table"], run["searcher"], run["kind"], run["seed"], run["policy"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--table", action="append", help="a table, or `unseen`; repeatable")
    parser.add_argument("--searcher", action="append", help="the policy, a control or an agent; repeatable")
    parser.add_argument("--kind", action="append", choices=("optimum", "early"), help="repeatable")
    parser.add_argument("--seeds", type=int, default=60, help="runs of each searcher")
    parser.add_argument("--policy", help="weights other than those of the package")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--pools", type=Path, help="folder that readings of whole spaces are kept in")
    parser.add_argument("--out", type=Path, help="JSON lines of the runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
