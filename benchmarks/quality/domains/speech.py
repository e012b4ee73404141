"""How well speech is recognised by speakers that were trained on and by others, beside a linear baseline.

    python benchmarks/quality/domains/speech.py                             # spoken_words, 3 splits
    python benchmarks/quality/domains/speech.py --digits fsdd_int16.npz     # the Free Spoken Digit Dataset

Each split is drawn twice, at random and with speakers held out. Networks are members of
asr_cell; the baseline is logistic regression on log-mel values, its penalty chosen by the validation part.
All are scored on the test part, which nothing was chosen by.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.io import wavfile
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from nas_gym.errors import DataWarning
from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task

PENALTIES = (1e-4, 1e-3, 1e-2)
MEMBERS = ("chain", "residual", "dense")
DIGIT_RATE = 8000
DIGIT_LENGTH = 6400  # 0.8 seconds, which 98% of the recordings are shorter than


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--digits", type=Path, help="fsdd_int16.npz: x end to end, off, y and speaker")
    parser.add_argument("--split", type=int, action="append", help="seed of a split; repeatable")
    parser.add_argument("--only", choices=("random", "held out"), help="only this kind of split")
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    warnings.simplefilter("ignore", ConvergenceWarning)
    with tempfile.TemporaryDirectory() as folder:
        specs = words() if options.digits is None else digits(options.digits, Path(folder))
        rows = {
            name: [
                scores(make_task({**spec, "split_seed": seed}), options.epochs, seed)
                for seed in options.split or (0, 1, 2)
            ]
            for name, spec in specs.items()
            if name.endswith(options.only or "")
        }
    Console(width=130).print(as_table(rows))


def words() -> dict[str, dict[str, Any]]:
    """The built-in task with and without voices held out."""
    return {
        "random": {"name": "spoken_words", "held_out_voices": False},
        "voices held out": {"name": "spoken_words"},
    }


def digits(path: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """The digits as a folder of .wav for each, as their authors name them."""
    arrays = dict(np.load(path))
    seen: Counter[str] = Counter()
    for number, (digit, speaker) in enumerate(zip(arrays["y"], arrays["speaker"], strict=True)):
        name = f"{digit}_{speaker}"
        samples = arrays["x"][arrays["off"][number] : arrays["off"][number + 1]]
        (folder / str(digit)).mkdir(exist_ok=True)
        wavfile.write(folder / str(digit) / f"{name}_{seen[name]}.wav", DIGIT_RATE, samples)
        seen[name] += 1
    spec = {"name": "folder", "path": str(folder), "features": "log_mel", "length": DIGIT_LENGTH}
    return {"random": spec, "speakers held out": {**spec, "group_in_name": "_(.+)_"}}


def scores(task: Task, epochs: int, seed: int) -> dict[str, float]:
    """Test accuracies by method, and the seconds of a training."""
    found = {"linear": linear(task)}
    space = make_search_space("asr_cell", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": epochs})
    members = space.members()
    start = time.process_time()
    for name in MEMBERS:
        found[name] = evaluator.test(members[name], seeds=(seed,))[0].test_score
    found["CPU seconds"] = (time.process_time() - start) / len(MEMBERS)
    return found


def linear(task: Task) -> float:
    """Test accuracy of logistic regression."""
    best, chosen = -1.0, None
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=60).fit(task.plain(task.x_train), task.y_train)
        score = model.score(task.plain(task.x_validation), task.y_validation)
        if score > best:
            best, chosen = score, model
    assert chosen is not None
    return float(chosen.score(task.plain(task.x_test), task.y_test))


def as_table(rows: dict[str, list[dict[str, float]]]) -> Table:
    """The table that is printed: the mean over splits, and each split."""
    table = Table("split", *next(iter(rows.values()))[0])
    for name, runs in rows.items():
        cells = []
        for method in runs[0]:
            values = [run[method] for run in runs]
            cells.append(f"{np.mean(values):.3f} ({', '.join(f'{value:.2f}' for value in values)})")
        table.add_row(name, *cells)
    return table


if __name__ == "__main__":
    main()
