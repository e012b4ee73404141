"""What plain methods of the field get on tasks of texts, on the same split and the same codes.

    python benchmarks/quality/domains/text_baselines.py          # language_id and spelling
    python benchmarks/quality/domains/text_baselines.py --task spelling --architecture gpt --epochs 15
    python benchmarks/quality/domains/text_baselines.py --task '{"name": "text", "path": "a.tsv", ...}'

Of classes: logistic regression on how often each character is there, and on how often each run of 1 to 3
characters is, both of scikit-learn with its defaults. Of language models: the probabilities of a letter by
itself (unigram), after the one before (bigram) and after the two before (trigram), counted in the training
part, one count more for every letter; the bigram counts the unigram once, and the trigram is mixed with the
bigram by how often its two letters were seen, as in Witten and Bell 1991. Nothing is tuned, and nothing is
chosen by the test part. Architectures that are named stand beside them, trained with three seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from nas_gym.evaluators import make_evaluator
from nas_gym.explain.evidence.token_counts import counted_models
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, TextForm, make_task

TASKS = ("language_id", "spelling")
SEEDS = (0, 1, 2)
NGRAMS = {"bag of characters": (1, 1), "runs of 1 to 3 characters": (1, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", action="append", help="name or JSON of a task; repeatable")
    parser.add_argument("--architecture", action="append", default=[], help="network to train; repeatable")
    parser.add_argument("--search-space", default="transformer", help="its space, name or JSON")
    parser.add_argument("--epochs", type=int, default=15, help="epochs that it is trained for")
    parser.add_argument("--only-networks", action="store_true", help="leave the plain methods out")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    rows = [row for text in options.task or TASKS for row in measured(name_or_json(text), options)]
    Console(width=120).print(as_table(rows))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


def name_or_json(text: str) -> Any:
    """A name as it is, a JSON object as a dict."""
    return json.loads(text) if text.startswith("{") else text


def measured(spec: Any, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The figures of each method on one task."""
    task = make_task(spec)
    about = {"task": task.name, "examples": len(task.y_train), "metric": task.target.metric.label}
    plain = counted(task) if task.target.kind == "tokens" else linear(task)
    for method, outputs, seconds in () if options.only_networks else plain:
        test, others = task.target.measure(outputs, task.y_test)
        yield about | {"method": method, "test": test, "others": others, "seconds": seconds}
    for text in options.architecture:
        start = time.perf_counter()
        test = network_score(task, name_or_json(options.search_space), text, options.epochs)
        yield about | {"method": text, "test": test, "others": {}, "seconds": time.perf_counter() - start}


def linear(task: Task) -> Iterator[tuple[str, np.ndarray, float]]:
    """Logistic regression on characters: its name, log probabilities for the test part, and seconds."""
    assert isinstance(task.files, TextForm)
    train, test = task.files.texts(task.x_train), task.files.texts(task.x_test)
    for name, lengths in NGRAMS.items():
        start = time.perf_counter()
        seen = CountVectorizer(analyzer="char", ngram_range=lengths, lowercase=False, min_df=2)
        model = LogisticRegression(max_iter=300).fit(seen.fit_transform(train), task.y_train)
        outputs = model.predict_log_proba(seen.transform(test))
        yield name, np.asarray(outputs), time.perf_counter() - start


def counted(task: Task) -> Iterator[tuple[str, np.ndarray, float]]:
    """Letters by counts: the name, log probabilities (n, names * positions), and seconds."""
    _, unigram = task.target.best_constant(task.y_train)
    yield "unigram", np.broadcast_to(unigram, (len(task.x_test), len(unigram))), 0.0
    start = time.perf_counter()
    models = counted_models(task.x_train, task.y_train, task.facts["vocabulary"], len(task.target.names))
    seconds = time.perf_counter() - start
    for name, model in models.items():
        yield name, model.outputs(task.x_test), seconds


def network_score(task: Task, space: Any, text: str, epochs: int) -> float:
    """The mean test score of a network over `SEEDS`."""
    found = make_search_space(space, task.input_shape, task.outputs, task.facts)
    evaluator = make_evaluator(
        {"name": "train", "recipe": {"epochs": epochs}}, found, task, device="cpu", store="memory"
    )
    return float(np.mean([each.test_score for each in evaluator.test(found.resolve(text), SEEDS)]))


def as_table(rows: list[dict[str, Any]]) -> Table:
    """The figures as a table."""
    table = Table(title="Plain methods and named networks, on the test part")
    for head in ("task", "trained on", "metric", "method", "test", "others", "seconds"):
        table.add_column(head, justify="right" if head in ("trained on", "test", "seconds") else "left")
    for row in rows:
        others = ", ".join(f"{name} {value:.3f}" for name, value in row["others"].items())
        cells = (f"{row['examples']:,}", row["metric"], row["method"], f"{row['test']:.3f}", others)
        table.add_row(row["task"], *cells, f"{row['seconds']:.1f}")
    return table


if __name__ == "__main__":
    main()
