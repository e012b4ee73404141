"""The network that a search found beside the plain methods of its field, on the same split, in every domain.

    python benchmarks/quality/domains/found_networks.py --records found.jsonl    # every case of CASES
    python benchmarks/quality/domains/found_networks.py --records found.jsonl --case logp --case dates
    python benchmarks/quality/domains/found_networks.py --records found.jsonl --table   # print what is there

Each search asks for so many networks with the agent `model-based` and sees validation scores alone. The found
network is trained again with three seeds that the search did not use, by the recipe of the search and four
times as long; its figures are the mean test score and the lowest and highest. Plain methods learn from the
training part (some choose a strength by the validation part) and are scored on the test part, too. Nothing is
chosen by the test part, and both rows are printed whoever wins. A case that has its record is not run again.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chemistry
import gymnasium as gym
import numpy as np
import plain_baselines
import series
import speech
import text_baselines
import translations
from nas_agents import make_agent
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import DataWarning
from nas_gym.evaluators import make_evaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, constant_answer

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

SEEDS = (101, 102, 103)
"""Training seeds of the found network, none of which a search uses."""
LONGER = 4
Scores = dict[str, list[float]]


def features(task: Task) -> Scores:
    """A linear model and gradient boosting, as they are."""
    return _by_defaults(task, ["linear", "boosting"])


def pixels(task: Task) -> Scores:
    """A linear model on the numbers of an image."""
    return _by_defaults(task, ["linear"])


def texts(task: Task) -> Scores:
    """Runs of characters, or counts of letters after letters."""
    plain = text_baselines.counted(task) if task.target.kind == "tokens" else text_baselines.linear(task)
    return {name: [task.target.measure(outputs, task.y_test)[0]] for name, outputs, _ in plain}


def recordings(task: Task) -> Scores:
    """Logistic regression on log-mel values."""
    return {"logistic regression, log-mel": [speech.linear(task)]}


def translators(task: Task) -> Scores:
    """Networks of fixed size, the baselines of the field."""
    space = make_search_space("seq2seq", task.input_shape, task.outputs, task.facts)
    names = ("GRU without attention, width 32", "GRU with attention, width 32")
    texts_of = {name: translations.NETWORKS[name] for name in names}
    return {name: trained(space, task, text, {}) for name, text in texts_of.items()}


def molecules(task: Task) -> Scores:
    """Ridge regression and a forest on fingerprints or on features of the composition."""
    words = "fingerprints" if task.inputs == "graph" else "composition"
    return {f"{name}, {words}": score for name, score in chemistry.plain(task, list(chemistry.PLAIN)).items()}


def forecasts(task: Task) -> Scores:
    """The seasonal naive forecast, which has no skill by definition, and ridge regression."""
    return {"seasonal naive": [0.0], "ridge regression": [series.ridge(task, "test")]}


def _by_defaults(task: Task, names: list[str]) -> Scores:
    found = {}
    for name, model in plain_baselines.methods(task, names):
        model.fit(task.plain(task.x_train), task.y_train.ravel())
        found[name] = [task.target.measure(plain_baselines.outputs(model, task), task.y_test)[0]]
    return found


@dataclass(frozen=True)
class Case:
    """A search, and what its network has to beat.

    Attributes:
        task: the task, a name or its options.
        space: the search space, likewise.
        plain: gives the test scores of the plain methods.
        recipe: how networks are trained in the search.
        budget: networks that the search trains.
    """

    task: Any
    space: Any
    plain: Callable[[Task], Scores]
    recipe: dict[str, Any] = field(default_factory=dict)
    budget: int = 40


CHAINS = {"name": "conv", "max_layers": 4, "channels": [8, 16]}
SMALL_CHAINS = {
    "name": "conv",
    "max_layers": 3,
    "operations": ["conv3", "max_pool"],
    "channels": [4, 8],
    "activations": ["relu"],
}
"""For images of 28 pixels, where a network of `CHAINS` takes ten seconds and more."""
FORECASTER = {
    "name": "forecaster",
    "kinds": ["linear", "average", "perceptron", "generic", "trend", "season", "causal"],
}
"""Without recurrent blocks, which take over ten times as long as the others."""
CASES: dict[str, Case] = {
    "breast_cancer": Case("breast_cancer", "tabular", features),
    "diabetes": Case("diabetes", "tabular", features),
    "friedman": Case("friedman", "tabular", features),
    "digits": Case("digits", CHAINS, pixels),
    "mnist5k": Case("mnist5k", SMALL_CHAINS, pixels, {"epochs": 5}, budget=20),
    "mnist5k, perceptrons": Case("mnist5k", "mlp", pixels),
    "scene_digits": Case("scene_digits", CHAINS, pixels, {"epochs": 8}, budget=20),
    "mnist1d": Case("mnist1d", CHAINS, pixels),
    "language_id": Case("language_id", "transformer", texts),
    "language_id, recurrent": Case("language_id", "recurrent", texts, budget=20),
    "spelling": Case("spelling", "transformer", texts, budget=30),
    "spoken_words": Case("spoken_words", "asr_cell", recordings, budget=30),
    "dates": Case("dates", "seq2seq", translators, budget=30),
    "pronunciation": Case("pronunciation", "seq2seq", translators, budget=30),
    "melting_point": Case("melting_point", "graph", molecules),
    "logp": Case("logp", "graph", molecules),
    "inorganic_density": Case("inorganic_density", "tabular", molecules),
    "glucose": Case("glucose", FORECASTER, forecasts),
    "seasonal": Case("seasonal", FORECASTER, forecasts),
    "volatility": Case("volatility", FORECASTER, forecasts),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--records", type=Path, required=True, help="file of records, a line of JSON a case")
    parser.add_argument("--table", action="store_true", help="print the records, and run nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    warnings.simplefilter("ignore", ConvergenceWarning)  # of pixels; it changes little
    asked = options.case or list(CASES)
    known = {record["case"] for record in read_records(options.records)}
    for name in asked:
        if name not in known and not options.table:
            print(name, flush=True)
            append_record(options.records, measured(name))
    records = [record for record in read_records(options.records) if record["case"] in asked]
    Console(width=130).print(as_table(records))


def measured(name: str) -> dict[str, Any]:
    """Search, train the found network again, and score the plain methods of one case."""
    case = CASES[name]
    evaluator = {"name": "train", "recipe": case.recipe}
    env: Any = gym.make(
        "NAS-v0", search_space=case.space, task=case.task, evaluator=evaluator, store="memory", device="cpu"
    )
    start = time.process_time()
    result = make_agent("model-based").search(env, budget=case.budget, seed=0)
    seconds = time.process_time() - start
    plain_env = env.unwrapped
    task, space = plain_env.task, plain_env.search_space
    epochs = plain_env.evaluator.config()["recipe"]["epochs"]
    constant = constant_answer(task)
    return {
        "case": name,
        "metric": task.target.metric.label,
        "budget": case.budget,
        "architecture": result.architecture,
        "parameters": space.network(space.parse(result.architecture)).parameters,
        "seconds": seconds,
        "found": trained(space, task, result.architecture, case.recipe),
        "longer": trained(space, task, result.architecture, {**case.recipe, "epochs": LONGER * epochs}),
        "plain": ({} if constant is None else {"constant": [constant.test]}) | case.plain(task),
    }


def trained(space: Any, task: Task, text: str, recipe: dict[str, Any]) -> list[float]:
    """The test scores of an architecture, one for each of `SEEDS`."""
    evaluator = make_evaluator({"name": "train", "recipe": recipe}, space, task, device="cpu", store="memory")
    return [each.test_score for each in evaluator.test(space.parse(text), SEEDS)]


def as_table(records: list[dict[str, Any]]) -> Table:
    """The figures of each case, a row for each method."""
    table = Table(title="Found networks and plain methods, on the test part")
    for head in ("case", "metric", "method", "mean", "range"):
        table.add_column(head, overflow="fold")
    for record in records:
        about = (record["case"], record["metric"])
        found = f"found among {record['budget']}: {record['architecture']} ({record['parameters']:,} weights)"
        rows = {found: record["found"], f"the same, {LONGER} times as long": record["longer"]} | record[
            "plain"
        ]
        for method, scores in rows.items():
            span = f"{min(scores):.3f} to {max(scores):.3f}" if len(scores) > 1 else ""
            table.add_row(*about, method, f"{np.mean(scores):.3f}", span)
            about = ("", "")
        table.add_section()
    return table


if __name__ == "__main__":
    main()
