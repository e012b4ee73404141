"""Run folders that are damaged, of something else, or say what must not be believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.malformed.case import Case, Material, edited_json, edited_line

LONG, DEEP = "9" * 5000, "[" * 20_000
EXPLAIN = ("explain", "run", "--budget", "0", "--store", "memory", "--minutes", "1")


def replaced(name: str, content: str | bytes) -> Callable[[Material], None]:
    """Return what replaces a file of the run."""
    raw = content.encode() if isinstance(content, str) else content
    return lambda material: (material.run / name).write_bytes(raw) and None


def without(name: str) -> Callable[[Material], None]:
    """Return what removes a file of the run."""
    return lambda material: (material.run / name).unlink()


def as_folder(name: str) -> Callable[[Material], None]:
    """Return what makes a folder of a file of the run."""

    def write(material: Material) -> None:
        (material.run / name).unlink()
        (material.run / name).mkdir()

    return write


def replay(name: str, says: str, prepare: Callable[[Material], None]) -> Case:
    return Case(name, ("replay", "run"), says, prepare)


def explain(name: str, says: str, prepare: Callable[[Material], None]) -> Case:
    return Case(name, EXPLAIN, says, prepare)


def config(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Material], None]:
    return edited_json("config.json", edit)


def of_env(**values: Any) -> Callable[[Material], None]:
    return config(lambda found: found["env"].update(values))


def truncated(name: str, share: float) -> Callable[[Material], None]:
    def write(material: Material) -> None:
        content = (material.run / name).read_bytes()
        (material.run / name).write_bytes(content[: int(share * len(content))])

    return write


def data_changed(material: Material) -> None:
    """Let the run's data be another file, which has other rows."""
    path = material.home / "other.csv"
    path.write_text("a,b,kind\n" + "1,2,x\n2,1,y\n" * 30)
    values = json.loads((material.run / "config.json").read_text())
    values["env"]["task"]["path"] = str(path)
    (material.run / "config.json").write_text(json.dumps(values))


def two_spaces(material: Material) -> None:
    """Lay a run of another space beside."""
    shutil.copytree(material.run, material.home / "all" / "one")
    shutil.copytree(material.run, material.home / "all" / "two")
    path: Path = material.home / "all" / "two" / "config.json"
    values = json.loads(path.read_text())
    values["env"]["search_space"]["max_layers"] = 3
    path.write_text(json.dumps(values))


CASES = [
    replay("a run without a config", "config.json is missing", without("config.json")),
    replay("a config that is a folder", "config.json", as_folder("config.json")),
    replay("an empty config", "no JSON", replaced("config.json", b"\n")),
    replay("a config that is cut off", "no JSON", truncated("config.json", 0.5)),
    replay("a config of other letters", "no JSON", replaced("config.json", b"\xff\xfe\x00{")),
    replay("a config that is a list", "no JSON object", replaced("config.json", "[]")),
    replay("a config that is too deep", "no JSON", replaced("config.json", DEEP)),
    replay(
        "a config with a number of too many digits", "no JSON", replaced("config.json", f'{{"a": {LONG}}}')
    ),
    replay(
        "a config without a format", "names no format", config(lambda found: found.pop("format") and None)
    ),
    replay(
        "a config of a format in words", "names no format", config(lambda found: found.update(format="3"))
    ),
    replay(
        "a config of a format that is true",
        "names no format",
        config(lambda found: found.update(format=True)),
    ),
    replay("a config of a later format", "update nas-gym", config(lambda found: found.update(format=99))),
    replay(
        "a config of a format before the first", "reads formats", config(lambda found: found.update(format=0))
    ),
    replay("a config without an environment", "'env'", config(lambda found: found.pop("env") and None)),
    replay("a config whose environment is a list", "'env'", config(lambda found: found.update(env=[]))),
    replay("a config without an id", "env_id", config(lambda found: found.pop("env_id") and None)),
    replay("a config whose id is a number", "id|damaged", config(lambda found: found.update(env_id=3))),
    replay(
        "a config with an unknown id", "not registered", config(lambda found: found.update(env_id="NAS-v99"))
    ),
    replay(
        "a config with an id that is none",
        "id|registered",
        config(lambda found: found.update(env_id="a b c")),
    ),
    replay(
        "a config with the id of another game",
        "CartPole|searches no|registered",
        config(lambda found: found.update(env_id="CartPole-v1")),
    ),
    replay("a config without a task", "task", config(lambda found: found["env"].pop("task") and None)),
    replay("a task that is a text of nothing", "task|damaged", of_env(task="")),
    replay(
        "a task that is not there any more",
        "not there any more",
        of_env(task={"name": "csv", "path": "gone.csv", "target": "kind"}),
    ),
    replay(
        "a task whose path is a number",
        "path|damaged|task",
        of_env(task={"name": "csv", "path": 3, "target": "kind"}),
    ),
    replay("data that has changed", "has changed|fingerprint|something else", data_changed),
    replay("an unknown space of a run", "unknown search space", of_env(search_space={"name": "mpl"})),
    replay("a space of a run that is a number", "search space", of_env(search_space=3)),
    replay("a horizon of a run in words", "horizon", of_env(horizon="long")),
    replay("an argument that no environment takes", "unknown argument", of_env(horizn=3)),
    replay("a space of a module", "no file chooses", of_env(search_space={"name": "antigravity:Space"})),
    replay(
        "a reward of a module", "no file chooses", of_env(reward={"name": "os:system", "command": "true"})
    ),
    replay(
        "an evaluator of a module",
        "no file chooses",
        of_env(evaluator={"name": "function", "function": "os:system"}),
    ),
    replay("a task of a module", "no file chooses", of_env(task={"name": "antigravity:task"})),
    replay(
        "an id of a module",
        "no file chooses",
        config(lambda found: found.update(env_id="antigravity:NAS-v0")),
    ),
    replay("a run without a trace", "trace.jsonl is missing", without("trace.jsonl")),
    replay("an empty trace", "no trace", replaced("trace.jsonl", b"")),
    replay("a trace that is a folder", "trace.jsonl", as_folder("trace.jsonl")),
    replay("a trace without a header", "no trace", edited_line(0, lambda line: line.update(kind="step"))),
    replay(
        "a trace of a later version", "update nas-gym", edited_line(0, lambda line: line.update(version=99))
    ),
    replay(
        "a trace without a version",
        "names no version",
        edited_line(0, lambda line: line.pop("version") and None),
    ),
    replay(
        "a header with an unknown entry", "line 1", edited_line(0, lambda line: line.update(colour="red"))
    ),
    replay("a header without actions", "line 1", edited_line(0, lambda line: line.pop("actions") and None)),
    replay(
        "a header whose actions are a number",
        "line 1|actions",
        edited_line(0, lambda line: line.update(actions=3)),
    ),
    replay("a line of an unknown kind", "line 3", edited_line(2, lambda line: line.update(kind="leap"))),
    replay("a line that is a list", "line 3", edited_line(2, lambda line: [1, 2])),
    replay("a line that lacks an entry", "line 3", edited_line(2, lambda line: line.pop("mask") and None)),
    replay("a line whose kind is a list", "line 3", edited_line(2, lambda line: line.update(kind=[]))),
    replay(
        "a step whose action is a text", "line 3", edited_line(2, lambda line: line.update(action="keep"))
    ),
    replay(
        "a step whose action there is not",
        "line 3|action",
        edited_line(2, lambda line: line.update(action=10**6)),
    ),
    replay("a step whose mask is a number", "line 3", edited_line(2, lambda line: line.update(mask=3))),
    replay(
        "a step from an architecture that is none",
        "architecture|parsed|relu",
        edited_line(2, lambda line: line.update(architecture="huge-7")),
    ),
    replay(
        "a step whose architecture is a number",
        "line 3",
        edited_line(2, lambda line: line.update(architecture=7)),
    ),
    replay(
        "a step whose reward is a text", "line 3", edited_line(2, lambda line: line.update(reward="much"))
    ),
    replay("a step whose score is a list", "line 3", edited_line(2, lambda line: line.update(score=[]))),
    replay("a line between that is no JSON", "line 2|line 3", lambda material: _insert(material, 2, "{")),
    replay("a line of too many digits", "line 2|line 3", lambda material: _insert(material, 2, LONG)),
    replay("a line that is too deep", "line 2|line 3", lambda material: _insert(material, 2, DEEP)),
    explain("an unfinished result", "result.json", truncated("result.json", 0.6)),
    explain("a result that is a list", "result.json", replaced("result.json", "[1]")),
    explain(
        "a result without its architecture",
        "result|architecture",
        edited_json("result.json", lambda found: found.pop("architecture") and None),
    ),
    explain(
        "a result of a later format",
        "update nas-gym",
        edited_json("result.json", lambda found: found.update(format=99)),
    ),
    explain("a trace of a header alone", "nothing was evaluated", lambda material: _first_line(material)),
    explain(
        "an evaluated architecture that is none",
        "huge-7|architecture",
        edited_line(2, lambda line: line.update(next="huge-7")),
    ),
    Case(
        "a folder of runs without runs",
        ("explain", "empty", "--budget", "0"),
        "holds no run",
        lambda material: (material.home / "empty").mkdir(),
    ),
    Case("runs of different spaces", ("explain", "all", "--budget", "0"), "space", two_spaces),
    Case(
        "a search into a folder of something else",
        ("search", "--agent", "random", "--env", "NASTable-MLP-v0", "--budget", "3", "--logdir", "good.csv"),
        "good.csv",
    ),
]


def _insert(material: Material, number: int, text: str) -> None:
    path = material.run / "trace.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:number], text, *lines[number:]]) + "\n")


def _first_line(material: Material) -> None:
    path = material.run / "trace.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    (material.run / "result.json").unlink()
