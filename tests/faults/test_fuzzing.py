"""Every parser, given anything: a valid value or a NASGymError, never another exception.

In short some examples of each, and by `make faults` many more.
"""

from __future__ import annotations

import atexit
import io
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from nas_gym.cli import options
from nas_gym.deploy import load_network
from nas_gym.envs import check_budget, make_reward
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluation, make_evaluator
from nas_gym.evaluators.store.database import address, connect
from nas_gym.search_spaces import SEARCH_SPACES, make_search_space
from nas_gym.tables import read_table, write_table
from nas_gym.tables.building.builder import Partial
from nas_gym.tables.building.tabulation import Tabulation
from nas_gym.tasks import make_task
from nas_gym.traces import RunFolder, load_policy, read_trace, rebuild
from tests.helpers.data.tables import SMALL, fake_table

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_1" / "q-learning"
NETWORK = Path(__file__).parents[1] / "fixtures" / "best_v2.pt"
MORE = 12
"""Examples of the whole form for one of the short one."""
SHAPES = {
    "mlp": (1, 40),
    "conv": (3, 16, 16),
    "cell": (3, 16, 16),
    "macro": (3, 16, 16),
    "tabular": (8,),
    "ft_transformer": (8,),
    "forecaster": (1, 32),
    "nasbench101": (3, 16, 16),
    "transformer": (3, 16, 16),
    "recurrent": (3, 16),
    "recurrent_cell": (3, 16),
    "seq2seq": (7,),
    "asr_cell": (6, 21),
    "graph": (9, 5),
    "nasbench_graph": (7, 4),
}
FACTS: dict[str, dict[str, Any]] = {
    "seq2seq": {"vocabulary": 6, "lengths": [5, 2], "positions": 2},
    "graph": {"node_features": 4, "edge_kinds": 3},
    "nasbench_graph": {"node_features": 3, "edge_kinds": 1},
}

NUMBERS = (
    st.integers(-5, 5)
    | st.floats()
    | st.sampled_from([10**30, -(10**30), 1e308, math.nan, math.inf, True, False, 0.5, 2**63])
)
TEXTS = st.text(max_size=8) | st.sampled_from(["", "score", "mlp", "os:sep", "a:b", "..", "\0", "NaN", "é日"])
JSON = st.recursive(
    st.none() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
BYTES = st.binary(max_size=60)
DAMAGE = st.tuples(
    st.floats(0, 1), st.binary(min_size=1, max_size=12), st.sampled_from(["replace", "insert", "cut"])
)


def damaged(content: bytes, damage: tuple[float, bytes, str]) -> bytes:
    """Return bytes with something wrong at a place."""
    share, piece, how = damage
    at = int(share * len(content))
    if how == "cut":
        return content[:at]
    return content[:at] + piece + content[at + (len(piece) if how == "replace" else 0) :]


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places in a JSON value."""
    found = [path]
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    )
    for key, each in items:
        found += paths_in(each, (*path, key))
    return found


@st.composite
def edited(draw: Any, value: Any) -> Any:
    """A JSON value in which something at a place is another, is missing, or is there as well."""
    whole = json.loads(json.dumps(value))
    path = draw(st.sampled_from(paths_in(whole)))
    if not path:
        return draw(JSON)
    holder = whole
    for key in path[:-1]:
        holder = holder[key]
    how = draw(st.sampled_from(["other", "other", "missing", "more"]))
    if how == "missing":
        del holder[path[-1]]
    elif how == "more" and isinstance(holder, dict):
        holder[draw(TEXTS)] = draw(JSON)
    else:
        holder[path[-1]] = draw(JSON)
    return whole


@cache
def folder() -> Path:
    """A folder for files that are read at once."""
    place = Path(tempfile.mkdtemp(prefix="nas-gym-fuzzing-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def written(name: str, content: bytes) -> Path:
    path = folder() / name
    path.write_bytes(content)
    return path


def run_with(name: str, content: bytes) -> RunFolder:
    place = folder() / "run"
    if not place.exists():
        shutil.copytree(FIXTURE, place)
    shutil.copy(FIXTURE / "config.json", place / "config.json")
    (place / name).write_bytes(content)
    return RunFolder(place)


def packed(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@cache
def table_file() -> bytes:
    path = folder() / "good.npz"
    write_table(fake_table(), path)
    return path.read_bytes()


@cache
def table_arrays() -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(table_file())) as archive:
        return {name: archive[name] for name in archive.files}


@cache
def header() -> dict[str, Any]:
    return dict(json.loads(str(table_arrays()["header"])))


def table_with(values: Any) -> Path:
    return written("table.npz", packed(**table_arrays() | {"header": np.array(json.dumps(values))}))


@cache
def network() -> dict[str, Any]:
    return dict(torch.load(NETWORK, weights_only=True))


@cache
def plain_network() -> dict[str, Any]:
    return {name: value for name, value in network().items() if not _holds_tensors(value)}


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, torch.Tensor) or (
        isinstance(value, dict) and any(isinstance(each, torch.Tensor) for each in value.values())
    )


def network_with(values: Any) -> Path:
    content = io.BytesIO()
    tensors = {name: value for name, value in network().items() if _holds_tensors(value)}
    torch.save(tensors | values if isinstance(values, dict) else values, content)
    return written("best.pt", content.getvalue())


@cache
def space_of(name: str) -> Any:
    return make_search_space(name, SHAPES[name], 10, FACTS.get(name))


def architecture(given: tuple[str, int, tuple[float, bytes, str], str, bool]) -> None:
    name, number, damage, other, as_text = given
    space = space_of(name)
    text = (
        other
        if as_text
        else damaged(str(space.architecture(number % space.size)).encode(), damage).decode(errors="replace")
    )
    parsed = space.parse(text)
    assert space.parse(str(parsed)) == parsed
    assert 0 <= space.index(parsed) < space.size


@cache
def tabulation() -> Tabulation:
    return Tabulation.of({"name": "mlp", "max_layers": 1}, "breast_cancer", {"epochs": 1}, [0], "cpu")


@cache
def partial_file() -> bytes:
    path = folder() / "good.partial"
    path.unlink(missing_ok=True)
    Partial(path, tabulation()).close()
    return path.read_bytes() + b'[0, 0, [3], 4, ""]\n[1, 0, [3], 4, ""]\n'


def partial(content: bytes) -> None:
    Partial(written("own.partial", content), tabulation()).close()


def config(values: Any) -> None:
    rebuild(run_with("config.json", json.dumps(values).encode()).config()).close()


def store(text: str) -> None:
    place = address(text)
    assert "secret" not in place.shown
    if not place.is_sqlite:
        connect(place).dispose()


def task(file: str, content: bytes, **more: Any) -> None:
    make_task({"path": str(written(file, content)), **more})


CELL = st.sampled_from(
    ["1", "2.5", "", "x", "y", "NA", "1e999", "2024-01-02", '"', "a,b", "-0", "\u0661"]
) | st.text(max_size=3)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=12).map(
    lambda rows: "\n".join([",".join(row) for row in [["a", "b", "kind"], *rows * 3]]).encode(
        errors="replace"
    )
)
DTYPES = st.sampled_from(["f8", "f4", "i8", "u1", "?", "c16", "U3", "M8[D]", "S2", "f2"])


@st.composite
def arrays_of(draw: Any) -> bytes:
    named = {}
    for name in draw(
        st.lists(st.sampled_from(["x", "y", "split", "x_train", "groups"]), unique=True, max_size=4)
    ):
        shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 30]), max_size=4))
        named[name] = (np.arange(math.prod(shape)).reshape(shape) % 3).astype(draw(DTYPES))
    return packed(**named)


@dataclass(frozen=True)
class Parser:
    """A parser with what it is given.

    Attributes:
        given: strategy of inputs.
        parse: takes one.
        examples: of the short form.
    """

    given: Any
    parse: Callable[[Any], object]
    examples: int = 60


def trace_line(number: int) -> Any:
    return json.loads((FIXTURE / "trace.jsonl").read_text().splitlines()[number])


def trace_with(number: int) -> Callable[[Any], object]:
    lines = (FIXTURE / "trace.jsonl").read_text().splitlines()

    def parse(values: Any) -> object:
        changed = [*lines[:number], json.dumps(values), *lines[number + 1 :]]
        return read_trace(written("trace.jsonl", ("\n".join(changed) + "\n").encode()))

    return parse


SPEC_OPTIONS = st.dictionaries(
    st.sampled_from(
        ["max_layers", "widths", "activations", "name", "start", "channels", "scale", "benchmark", "x"]
    ),
    JSON,
    max_size=3,
)
TASK = cache(lambda: make_task("breast_cancer"))
PARSERS = {
    "architectures": Parser(
        st.tuples(
            st.sampled_from(sorted(SEARCH_SPACES)), st.integers(0, 10**9), DAMAGE, st.text(), st.booleans()
        ),
        architecture,
        200,
    ),
    "traces, by bytes": Parser(
        DAMAGE,
        lambda damage: read_trace(
            written("trace.jsonl", damaged((FIXTURE / "trace.jsonl").read_bytes(), damage))
        ),
    ),
    "headers of traces": Parser(edited(trace_line(0)), trace_with(0)),
    "steps of traces": Parser(edited(trace_line(2)), trace_with(2)),
    "results": Parser(
        edited(json.loads((FIXTURE / "result.json").read_text())),
        lambda values: run_with("result.json", json.dumps(values).encode()).result(),
    ),
    "configs": Parser(edited(json.loads((FIXTURE / "config.json").read_text())), config, 40),
    "configs, by bytes": Parser(
        DAMAGE,
        lambda damage: run_with(
            "config.json", damaged((FIXTURE / "config.json").read_bytes(), damage)
        ).config(),
    ),
    "tables, by bytes": Parser(
        DAMAGE, lambda damage: read_table(written("table.npz", damaged(table_file(), damage)))
    ),
    "headers of tables": Parser(
        st.deferred(lambda: edited(header())), lambda values: read_table(table_with(values))
    ),
    "partial tables": Parser(DAMAGE, lambda damage: partial(damaged(partial_file(), damage))),
    "lines of partial tables": Parser(
        edited([0, 0, [3], 4, ""]),
        lambda values: partial(partial_file() + json.dumps(values).encode() + b"\n"),
    ),
    "networks, by bytes": Parser(
        DAMAGE, lambda damage: load_network(written("best.pt", damaged(NETWORK.read_bytes(), damage)))
    ),
    "networks": Parser(
        st.deferred(lambda: edited(plain_network())), lambda values: load_network(network_with(values))
    ),
    "policies, by bytes": Parser(
        DAMAGE,
        lambda damage: load_policy(
            written("6.npz", damaged((FIXTURE / "policy" / "6.npz").read_bytes(), damage)),
            make_search_space(SMALL, (1, 40), 10),
        ),
    ),
    "stores": Parser(
        st.text(max_size=30)
        | st.tuples(
            st.sampled_from(
                ["sqlite", "postgresql", "mysql", "oracel", "", "sqlite+x", "POSTGRESQL+psycopg"]
            ),
            st.sampled_from(
                ["", "host", "user:secret@host", "user:secret@host:port", "[::1", "h:99999999999"]
            ),
            st.text(max_size=6) | st.sampled_from(["db", ":memory:", "db?password=secret", "d?x=1&x=2"]),
        ).map(lambda parts: f"{parts[0]}://{parts[1]}/{parts[2]}"),
        store,
    ),
    "budgets of the command line": Parser(
        st.text(max_size=8) | st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]*)?[smhd]?", fullmatch=True),
        options.budget_of,
    ),
    "budgets": Parser(
        JSON | st.dictionaries(st.sampled_from(["seconds", "evaluations", "minutes", "x"]), JSON),
        check_budget,
    ),
    "settings": Parser(st.lists(st.text(max_size=12), max_size=3), options.hyperparameters_of),
    "agents": Parser(st.text(max_size=12) | JSON.map(json.dumps), lambda text: options.agent_of(text, [])),
    "lists of agents": Parser(st.text(max_size=12) | JSON.map(json.dumps), options.agents_of),
    "recipes of the command line": Parser(st.text(max_size=12) | JSON.map(json.dumps), options.recipe_of),
    "training seeds": Parser(st.text(max_size=12), options.seeds_of),
    "specs of spaces": Parser(
        JSON
        | st.tuples(st.sampled_from(sorted(SEARCH_SPACES)), SPEC_OPTIONS).map(
            lambda each: {**each[1], "name": each[0]}
        ),
        lambda spec: make_search_space(spec, (1, 40), 10),
    ),
    "specs of rewards": Parser(JSON | SPEC_OPTIONS.map(lambda each: {"name": "score", **each}), make_reward),
    "specs of evaluators": Parser(
        JSON | SPEC_OPTIONS.map(lambda each: {"name": "train", "recipe": each}),
        lambda spec: make_evaluator(
            spec, make_search_space("mlp", TASK().input_shape, 2), TASK(), device="cpu", store="memory"
        ),
    ),
    "specs of tasks": Parser(
        JSON | SPEC_OPTIONS.map(lambda each: {"name": "breast_cancer", **each}), make_task
    ),
    "evaluations": Parser(
        edited(
            json.loads((FIXTURE / "result.json").read_text())["evaluations"][0]
            | {"score": 0.5, "metrics": {}}
        ),
        lambda values: None if not isinstance(values, dict) else _evaluation(values),
    ),
    "tables of text": Parser(ROWS | BYTES, lambda content: task("a.csv", content, name="csv", target="kind")),
    "tables of text, values": Parser(
        ROWS, lambda content: task("a.csv", content, name="csv", target="a", target_kind="values")
    ),
    "arrays": Parser(arrays_of(), lambda content: task("a.npz", content, name="npz")),
    "arrays, by bytes": Parser(
        DAMAGE,
        lambda damage: task(
            "a.npz",
            damaged(packed(x=np.arange(60.0).reshape(30, 2), y=np.arange(30) % 2), damage),
            name="npz",
        ),
    ),
    "objects of JSON": Parser(
        JSON.map(lambda each: json.dumps(each).encode()),
        lambda content: task("a.json", content, name="csv", target="a"),
    ),
}


def _evaluation(values: dict[str, Any]) -> object:
    try:
        return Evaluation.from_dict(values)
    except (KeyError, TypeError) as error:  # what reads a result says this in a sentence
        raise NASGymError(str(error)) from error


def fuzz(parser: Parser, examples: int) -> None:
    @hypothesis.settings(max_examples=examples, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(parser.given)
    def check(given: Any) -> None:
        with suppress(NASGymError):
            parser.parse(given)

    check()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_value_or_refuses(name):
    fuzz(PARSERS[name], PARSERS[name].examples // 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_a_value_or_refuses_whatever_comes(name):
    fuzz(PARSERS[name], PARSERS[name].examples * MORE // 3)
