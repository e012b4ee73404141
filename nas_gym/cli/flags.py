"""Options of Python in messages, as they are given at the command line."""

from __future__ import annotations

import ast
import re
import shlex

_LISTED = re.compile(r"\b(drop|categorical|numeric|missing)=(\[(?:'[^']*'|\"[^\"]*\")\])")
_BY_COLUMN = re.compile(r"\b(decimal)=(\{(?:'[^']*'|\"[^\"]*\"): '[.,]'\})")
_WORDS = {
    "impute=False": "--no-impute",
    "day_first=True": "--day-first",
    "day_first=False": "--month-first",
    "target_kind='values'": "--target-kind values",
    "target_kind='classes'": "--target-kind classes",
}
_NUMBERED = re.compile(r"\bmax_categories=(\d+)")
_NAMED = re.compile(r"\b(missing|encoding|sheet|label_separator)=(?=[,;: ]|$)|\braise (max_categories)\b")
_SEPARATED = re.compile(r"\blabel_separator='([^']+)'")
_BUDGET = re.compile(r"\bbudget is (.+?) there and (.+?) here\b")
_BY_THE_CLOCK = re.compile(r'"[\d.,e+-]+ minutes? by the clock"')
_ELSEWHERE = "choose another folder or name, or delete it"


def in_flags(message: str) -> str:
    """Return a message on how data is read with the options of the command line in place of Python's.

    ``drop=['price']`` becomes ``--drop price``, ``decimal={'price': ','}`` ``--decimal price=,``.
    """
    message = _LISTED.sub(lambda found: _flag(found[1], ast.literal_eval(found[2])[0]), message)
    message = _BY_COLUMN.sub(
        lambda found: _flag(found[1], "=".join(next(iter(ast.literal_eval(found[2]).items())))), message
    )
    for option, flag in _WORDS.items():
        message = message.replace(option, flag)
    message = _SEPARATED.sub(lambda found: _flag("label_separator", found[1]), message)
    message = message.replace(_ELSEWHERE, "choose another folder by --out, or delete it")
    message = _BUDGET.sub(_budget, message)
    message = _NUMBERED.sub(lambda found: _flag("max_categories", found[1]), message)
    return _NAMED.sub(lambda found: f"raise {_flag(found[2])}" if found[2] else _flag(found[1]), message)


def _flag(option: str, value: str = "") -> str:
    flag = f"--{option.replace('_', '-')}"
    return f"{flag} {shlex.quote(value)}" if value else flag


def _budget(found: re.Match[str]) -> str:
    """Return how the budgets of two runs differ, by the flags that give them."""
    alone = [_BY_THE_CLOCK.fullmatch(budget) is not None for budget in found.groups()]
    timed = any("by the clock" in budget for budget in found.groups())
    flag = "--minutes" if all(alone) else "--budget or --minutes" if timed else "--budget"
    there, here = (budget.strip('"') for budget in found.groups())
    return f"{flag} is {there} there and {here} here"
