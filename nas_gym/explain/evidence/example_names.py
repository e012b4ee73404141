"""What validation examples are called in a report: as in the user's data, else by their number."""

from __future__ import annotations

from nas_gym.tasks import Task


def example_head(task: Task) -> str:
    """Return the name of a column of examples: ``"line"``, ``"file"``, or ``"example"``."""
    return "example" if task.origins is None else task.origins.word


def example_cell(task: Task, row: int) -> int | str:
    """Return a validation example in such a column."""
    return row + 1 if task.origins is None else task.origins.name(row)


def example_words(task: Task, row: int) -> str:
    """Return a validation example in a sentence: ``"line 1,234"``, ``"number 12"``."""
    return f"number {row + 1:,}" if task.origins is None else task.origins.said(row)


def truth_words(task: Task, row: int) -> str:
    """Return what is right of a validation example, where that is a class or a value, else its name."""
    target = task.target
    if target.kind == "classes":
        return str(target.names[int(task.y_validation[row])])
    if target.kind == "values" and len(target.names) == 1:
        form = target.answer_form
        return f"{task.y_validation[row, 0] * form.scale[0] + form.mean[0]:.4g}"
    return example_words(task, row)


def examples_are(task: Task) -> str:
    """Return a clause on what examples are called."""
    if task.origins is None:
        return "examples are numbered in the order of the validation part"
    return f"examples are called by {task.origins.about}"
