"""Predict with the network of this folder: needs Python, NumPy and PyTorch, nothing else.

    python predict.py ROWS.csv [ANSWERS.csv]

In Python: ``load().predict(rows)`` of a list of dicts by column, or of an array of raw features.
"""

from __future__ import annotations

import csv
import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import torch
from network import Network

FOLDER = Path(__file__).parent
MISSING = {"", "?", "nan", "na", "n/a", "none", "null", "<na>", "nat", "#n/a", "#na", "#n/a n/a"}
MISSING |= {"#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"}


class RefusedError(ValueError):
    """Rows that the network cannot answer; the message says which and why."""


class Predictor:
    """The network with the preparation of its data.

    Attributes:
        about: what is in preparation.json.
        network: the module, from standardised features to outputs.
    """

    def __init__(self, about: dict[str, Any], network: Network) -> None:
        self.about, self.network = about, network
        self.mean, self.scale = np.array(about["mean"]), np.array(about["scale"])

    def predict(self, rows: Any) -> np.ndarray:
        """Return probabilities (n, classes or labels), or values (n, values) in the units of the data.

        Args:
            rows: a list of dicts, or raw features (n, *input_shape).

        Raises:
            RefusedError: if a column is missing, or a cell is missing, unknown or not a number.
        """
        is_table = len(rows) > 0 and isinstance(rows[0], dict)
        raw = self.features(rows) if is_table else np.asarray(rows, dtype=np.float64)
        if raw.shape[1:] != tuple(self.about["input_shape"]):
            raise RefusedError(
                f"rows have the shape {raw.shape[1:]}, expected {tuple(self.about['input_shape'])}"
            )
        if not np.isfinite(raw).all():
            raise RefusedError("rows have values that are missing or not finite: mend them or leave them out")
        x = torch.tensor(((raw - self.mean) / self.scale).astype(np.float32))
        with torch.no_grad():
            outputs = self.network(x)
        form = self.about["answers"]
        if form["function"] == "softmax":
            return outputs.unflatten(1, (-1, form["positions"])).softmax(1).flatten(1).numpy()
        if form["function"] == "sigmoid":
            return outputs.sigmoid().numpy()
        answers = outputs.numpy() * np.array(form["scale"]) + np.array(form["mean"])
        if "base" in form:  # forecasts are changes from some values of the example
            answers = answers + raw.reshape(len(raw), -1)[:, form["base"]]
        return answers

    def features(self, rows: list[dict[str, Any]]) -> np.ndarray:
        """Return the raw features of rows of a table, float64 (n, features)."""
        columns, files = self.about["columns"], self.about["files"]
        if files is not None and files["kind"] == "text":
            return _codes(files, rows)
        if columns is None:
            raise RefusedError("this network takes arrays of features, and knows no columns")
        texts = self.about["missing"]
        return np.concatenate([_encoded(column, rows, texts) for column in columns], axis=1)


def load(folder: Path = FOLDER) -> Predictor:
    """Return what a folder holds, ready to predict."""
    network = Network()
    network.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    return Predictor(json.loads((folder / "preparation.json").read_text("utf-8")), network.eval())


def _encoded(column: dict, rows: list[dict[str, Any]], missing_texts: list[str] | None) -> np.ndarray:
    """Return the features of a column; a missing cell is filled or a category where training had some."""
    name = column["name"]
    kind = column["kind"]
    if kind == "category":
        width, fills = len(column["texts"]) + column["gaps"], None
    else:
        fills = (
            column["fills"]
            if kind == "date"
            else column["fill"]
            if column["fill"] is None
            else [column["fill"]]
        )
        width = column["flagged"] + (1 if kind == "number" else len(column["parts"]))
    found = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        if name not in row:
            raise RefusedError(
                f"row {place + 1} has no column {name!r}, expected all columns of the training data"
            )
        cell = row[name]
        text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
        missing = cell is None or text == "nan"
        missing |= text.casefold() in MISSING if missing_texts is None else text in missing_texts
        if kind != "category":
            if missing and fills is not None:
                found[place] = [*fills, 1.0][:width]
            elif missing:
                raise RefusedError(
                    f"column {name!r} misses its value in row {place + 1}: fill it or leave it out"
                )
            elif kind == "number":
                found[place, 0] = _number(column, cell, place)
            else:
                found[place, : len(column["parts"])] = _date(column, cell, place)
            continue
        if missing and column["gaps"] and text not in column["texts"]:
            found[place, -1] = 1.0
            continue
        if text not in column["texts"]:
            known = ", ".join(map(repr, column["texts"][:8]))
            raise RefusedError(
                f"column {name!r} has {cell!r} in row {place + 1}, none of its categories: {known}"
            )
        found[place, column["texts"].index(text)] = 1.0
    return found


def _date(column: dict[str, Any], cell: Any, place: int) -> list[float]:
    import dates

    found = dates.parts_of(cell.strip() if isinstance(cell, str) else cell, column["order"])
    if found is None:
        raise RefusedError(f"column {column['name']!r} has {cell!r} in row {place + 1}, expected a date")
    named = dict(zip(("year", "month", "day", "weekday", "hour"), found, strict=True))
    return [named[part] for part in column["parts"]]


def _number(column: dict[str, Any], cell: Any, place: int) -> float:
    if isinstance(cell, (int, float)):
        return float(cell)
    text = str(cell).strip()
    if column["truth"] and text.casefold() in ("true", "false"):
        return float(text.casefold() == "true")
    form = column["form"]
    negative = form["accounting"] and text.startswith("(") and text.endswith(")")
    plain = text.strip("()") if negative else text
    if form["unit"]:
        plain = plain.replace(form["unit"], "")
    for mark in form["thousands"] and {" ": " \u00a0\u2009\u202f", "'": "'\u2019"}.get(
        form["thousands"], form["thousands"]
    ):
        plain = plain.replace(mark, "")
    plain = plain.strip().replace(form["decimal"], ".").replace("\u2212", "-")
    try:
        number = float(plain)
    except ValueError:
        raise RefusedError(
            f"column {column['name']!r} has {cell!r} in row {place + 1}, expected a number"
        ) from None
    number = number / 100 if form["unit"] == "%" else number
    return -number if negative else number


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    text = path.read_text("utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    return list(rows[0]) if rows else [], rows


def _codes(form: dict[str, Any], rows: list[dict[str, Any]]) -> np.ndarray:
    """Return the codes of the texts in a column, (n, length)."""
    column = form["column"] or "text"
    if rows and column not in rows[0]:
        raise RefusedError(f"there is no column {column!r}, which holds the texts: add it")
    codes = {token: code for code, token in enumerate(form["vocabulary"])}
    found = np.zeros((len(rows), form["length"]))
    for place, row in enumerate(rows):
        text = row[column].strip().lower() if form["lower"] else row[column].strip()
        tokens = _tokens(form, text)
        tokens = ([form["start"]] if form["start"] else []) + tokens
        numbers = [codes.get(token, 1) for token in tokens[: form["length"]]]
        found[place, : len(numbers)] = numbers
    return found


def _tokens(form: dict[str, Any], text: str) -> list[str]:
    """Return the characters, bytes or subwords of a text."""
    if form["unit"] == "bytes":
        return [f"{each:02x}" for each in text.encode()]
    if form["unit"] == "characters":
        return list(text)
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError:
        raise RefusedError("subwords are read by a package: pip install sentencepiece") from None
    found: list[str] = SentencePieceProcessor(model_proto=b64decode(form["model"])).encode(text, out_type=str)
    return found


def _joined(row: np.ndarray, names: list[str]) -> str:
    """Return the likeliest name at each position, joined up to the first empty one."""
    found = [names[number] for number in row.reshape(len(names), -1).argmax(0)]
    return "".join(found[: found.index("")] if "" in found else found)


def main() -> None:
    """Answer the rows of a file."""
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python predict.py ROWS.csv [ANSWERS.csv]")
    path = Path(sys.argv[1])
    try:
        predictor = load()
        names, rows = _read(path)
        if not rows:
            raise RefusedError(f"{path} has no rows: pass a file with a header and rows")
        answers = predictor.predict(rows)
    except (OSError, UnicodeDecodeError, RefusedError) as error:
        print(f"predict.py: {error}", file=sys.stderr)
        sys.exit(2)
    about = predictor.about
    if about["answers"]["positions"] > 1:
        header = ["predicted"]
        found = [[_joined(row, about["names"])] for row in answers]
    elif about["answers"]["function"] == "softmax":
        header = ["predicted", *(f"probability {name}" for name in about["names"])]
        found = [[about["names"][row.argmax()], *(f"{p:.6f}" for p in row)] for row in answers]
    elif about["answers"]["function"] == "sigmoid":
        header = [f"{what} {name}" for name in about["names"] for what in ("predicted", "probability")]
        found = [[cell for p in row for cell in (int(p > 0.5), f"{p:.6f}")] for row in answers]
    else:
        header = [f"predicted {name}" for name in about["names"]]
        found = [[f"{value:.9g}" for value in row] for row in answers]
    out = open(sys.argv[2], "w", newline="", encoding="utf-8") if len(sys.argv) == 3 else sys.stdout  # noqa: SIM115
    with out:
        writer = csv.writer(out)
        writer.writerow([*names, *header])
        writer.writerows(
            [[*(row[name] for name in names), *each] for row, each in zip(rows, found, strict=True)]
        )


if __name__ == "__main__":
    main()
