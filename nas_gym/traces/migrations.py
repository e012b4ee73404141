"""Files of earlier formats, read as if they had been written today; nothing on the disk is changed.

A kind of file is a `Format`. To change what such a file holds, write a function that takes the values of
the format before and returns those of the next one, and add it to the format, whose newest is then one
more. Earlier functions stay as they are, so that files of every format that has one are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_gym.errors import StoreError

Migration = Callable[[Mapping[str, Any]], dict[str, Any]]

# What was called accuracy before tasks had targets.
SCORES = {
    "accuracy": "score",
    "validation_accuracy": "validation_score",
    "test_accuracy": "test_score",
    "accuracy_is": "score_is",
}
# The tasks whose option `kind` said what an example is; a task of a user's own may have one that says else.
OWN_DATA = ("arrays", "npz")
# What q-learning has beside what it had when it was always a table.
TABLE_FORM = {
    "outputs": "actions",
    "exploration": "posterior",
    "novelty": 3.0,
    "n_steps": 1,
    "planning": 4,
    "normalise": True,
    "demonstrations": 0,
}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file of a run, and how files of its earlier formats are read.

    Attributes:
        what: the kind in words.
        key: name of the entry of a file that holds its format.
        migrations: functions from the values of a format to those of the next, by the format they start
            from; without a gap.
        unnamed: the format of files that say none; None where every file says it.
    """

    what: str
    key: str
    migrations: Mapping[int, Migration]
    unnamed: int | None = None

    @property
    def newest(self) -> int:
        """The format that is written today."""
        return max(self.migrations) + 1

    def migrated(self, values: Mapping[str, Any], file: Path) -> dict[str, Any]:
        """Return the values of a file in the newest format.

        Raises:
            NASGymError: as `migration`, or if something is missing or is not what it should be.
        """
        migration = self.migration(values.get(self.key), file)
        try:
            return migration(values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"{file} is damaged ({error!r}): delete the folder and run again") from error

    def migration(self, named: object, file: Path) -> Migration:
        """Return what brings the values of a format to the newest one.

        Args:
            named: the format that the file names; None for none.
            file: the file, for the sentence that refuses it.

        Raises:
            NASGymError: if the file names no format, or one that nothing here reads.
        """
        found = self.unnamed if named is None else named
        if not isinstance(found, int) or isinstance(found, bool):
            raise StoreError(
                f"{file} is no {self.what} of a run, since it names no {self.key}: choose another folder"
            )
        oldest, newest = min(self.migrations), self.newest
        if not oldest <= found <= newest:
            remedy = "update nas-gym" if found > newest else "use the version of nas-gym that wrote it"
            raise StoreError(
                f"{file} is a {self.what} of {self.key} {found}, and this nas-gym reads {self.key}s {oldest} "
                f"to {newest}: {remedy}, or run again into another folder"
            )

        def migrate(values: Mapping[str, Any]) -> dict[str, Any]:
            reached = dict(values)
            for version in range(found, newest):
                reached = self.migrations[version](reached)
            return reached

        return migrate


def config_2(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that names the reward and what an example is by their present names."""
    env = dict(config["env"])
    if env["reward"]["name"] == "accuracy":
        env["reward"] = {**env["reward"], "name": "score"}
    task = dict(env["task"])
    if task.get("name") in OWN_DATA and "kind" in task:
        kind = task.pop("kind")
        env["task"] = {**task, "inputs": "features" if kind == "table" else kind}
    return {**config, "env": env, "format": 3}


def config_3(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that says which form of q-learning it is of."""
    run = config.get("config")
    found = {**config, "format": 4}
    return {**found, "config": _table_form(config, run)} if isinstance(run, Mapping) else found


def result_1(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result with scores in place of accuracies, and with the metrics that there are beside them.

    What a user passed to `Trace.finish` in another form than nas-gym's own stays as it is.
    """
    found = {**_scores(result), "format": 2, "metric": "accuracy", "metric_label": "accuracy"}
    for name in ("evaluations", "final", "incumbents"):
        if isinstance(entries := found.get(name), list):
            found[name] = [_scores(one) if isinstance(one, dict) else one for one in entries]
    for one in (*_dicts(found.get("evaluations")), *_dicts(found.get("final"))):
        one["metrics"] = {}
    if isinstance(estimate := found.get("on_new_examples"), dict):
        found["on_new_examples"] = _scores(estimate)
    if isinstance(answer := found.get("constant_answer"), dict):
        rest = {name: value for name, value in answer.items() if name != "class_name"}
        found["constant_answer"] = {"answer": answer["class_name"], **rest}
    if "hyperparameters" in found:  # of a search, which no clock could end then
        found |= {"repeatable": True, "note": ""}
    return found


def result_2(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result that says which form of q-learning it is of."""
    return {**_table_form(result, result), "format": 3}


def trace_1(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a trace with a score in place of the accuracy; the header alone has a version."""
    found = _scores(line)
    return {**found, "version": 2} if "version" in found else found


def _table_form(run: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of a run with the hyperparameters of the table, of q-learning that does not name them."""
    found, given = dict(values), values.get("hyperparameters")
    if run.get("agent") == "q-learning" and isinstance(given, Mapping) and "outputs" not in given:
        found["hyperparameters"] = TABLE_FORM | dict(given)
    return found


def _scores(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the scores among them by their present names."""
    return {SCORES.get(name, name): value for name, value in values.items()}


def _dicts(entries: object) -> list[dict[str, Any]]:
    """Return the dicts in a list; none of anything else."""
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


CONFIG = Format("config", "format", {2: config_2, 3: config_3})
# The first results of a plain `Trace` name no format; those of the command line and of comparisons do.
RESULT = Format("result", "format", {1: result_1, 2: result_2}, unnamed=1)
TRACE = Format("trace", "version", {1: trace_1})
