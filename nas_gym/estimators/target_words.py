"""What a task predicts, in a sentence: of what kind the target was taken to be, and how to say otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.tasks import Task

SHOWN = 4
"""Most classes and names that are listed."""


def target_sentence(task: Task, column: str, *, asked: bool) -> str:
    """Return what is predicted, such as ``target price: values, 1,460 different ones from 34900 to 755000``.

    Args:
        task: whose target it is.
        column: what the target is called by whoever gave it; "" for no name.
        asked: whether its kind was asked for; else the sentence says how to read it otherwise.
    """
    target = task.target
    y = np.concatenate([task.y_train, task.y_validation, task.y_test])
    what = f"target {column}" if column else "target"
    if target.kind == "values":
        one = len(target.names) == 1 and not asked
        return f"{what}: {_values(task, y)}" + (_otherwise("classes") if one else "")
    if target.kind == "labels":
        shares = ", ".join(
            f"{name} {share:.1%}" for name, share in zip(target.names[:SHOWN], y.mean(axis=0), strict=False)
        )
        count = f"{len(target.names):,} labels, of which a row may have several"
        return f"{what}: {count} ({_few(shares, target.names)})"
    if target.kind == "classes":
        counts = np.bincount(y, minlength=len(target.names))
        order = np.argsort(-counts, kind="stable")
        shares = ", ".join(f"{target.names[n]} {counts[n] / len(y):.1%}" for n in order[:SHOWN])
        numbers = all(_is_number(name) for name in target.names) and len(target.names) > 2
        otherwise = _otherwise("values") if numbers and not asked else ""
        return f"{what}: {len(counts):,} classes ({_few(shares, target.names)}){otherwise}"
    return f"{what}: {target.words}"


def _values(task: Task, y: np.ndarray) -> str:
    names, form = task.target.names, task.target.answer_form
    raw = y.reshape(len(y), -1) * np.array(form.scale) + np.array(form.mean)
    if len(names) > 1:
        return f"{len(names)} values, {_few(', '.join(names[:SHOWN]), names)}"
    return f"values, {len(np.unique(y)):,} different ones from {raw.min():.6g} to {raw.max():.6g}"


def _otherwise(kind: str) -> str:
    return f"; target_kind='{kind}' reads {kind}"


def _few(text: str, names: Sequence[str]) -> str:
    return text + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
