"""A space of one's own is refused, when it is built, where a name would mean two things."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.explain import explain
from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace, make_search_space
from nas_gym.search_spaces import checking as checks
from nas_gym.search_spaces.mlp import MLPSpace
from nas_gym.traces import Trace
from tests.helpers.own_space import OwnSpace

SHAPE = (4,)


def space_of(given: dict[Any, Any]) -> ChoiceSpace:
    class Own(ChoiceSpace):
        name = "tests:Own"
        choices = given

        def network(self, architecture):
            builder = NetworkBuilder(self.input_shape)
            return builder.build(builder.linear(builder.input, self.outputs))

    return Own(SHAPE, 3)


class Thing:
    """An object whose text is its address."""


GOOD = {
    "booleans": (True, False),
    "None": (None, "x"),
    "floats": (0.1, 0.2, 1e-9),
    "texts with spaces and equals signs": ("max pool", "a=b", "3x3"),
    "an array": np.array([4, 8]),
    "a range": range(2, 5),
    "one value": ("only",),
    "an empty text": ("", "x"),
    "a text in another script": ("größer", "小"),
}
BAD = {
    "1 and True": (1, True),
    "1 and 1.0": (1, 1.0),
    "0 and False": (0, False),
    "NumPy's 1 and 1.0": (np.int64(1), np.float32(1)),
    "equal as text": (1, "1"),
    "twice": ("a", "a"),
    "None twice": (None, None),
    "tuples": ((3, 3), (5, 5)),
    "lists": ([3], [5]),
    "a comma": ("a,b", "c"),
    "a space at the end": ("a ", "a"),
    "a space at the start": (" a", "b"),
    "a line's end": ("a\nb", "c"),
    "not-a-number": (float("nan"), 1.0),
    "objects without a text": (Thing(), "x"),
    "functions": (space_of, "x"),
    "arrays": (np.arange(2), np.arange(3)),
    "nothing": (),
    "a text for a list": "relu",
    "a number for a list": 3,
    "a set": {1, 2},
    "None for a list": None,
}


@pytest.mark.parametrize("values", GOOD.values(), ids=GOOD)
def test_every_architecture_of_good_values_is_known_by_its_text(values):
    space = make_search_space(space_of({"one": values, "two": (1, 2)}), SHAPE, 3)
    architectures = list(space)
    assert len(set(architectures)) == len({str(one) for one in architectures}) == space.size
    assert all(space.parse(str(one)) == one for one in architectures)
    assert all(pickle.loads(pickle.dumps(one)) == one for one in architectures)


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
def test_values_that_would_not_mean_one_thing_are_refused_when_the_space_is_built(values):
    with pytest.raises(
        NASGymError, match=r"choice 'one' .*(: write a name for it|a list of at least one value)"
    ):
        space_of({"two": (1, 2), "one": values})


@pytest.mark.parametrize("name", ["a,b", "a=b", " a", "", 1, None, ("a",), "a\n"])
def test_a_name_that_cannot_be_read_back_is_refused(name):
    with pytest.raises(NASGymError, match="the name of a choice must be a text"):
        space_of({name: (1, 2)})


@pytest.mark.parametrize("choices", [{}, None, [("a", (1, 2))], "a"])
def test_choices_that_are_no_dict_of_lists_are_refused(choices):
    with pytest.raises(NASGymError, match="a ChoiceSpace needs choices"):
        space_of(choices)


def test_numbers_of_numpy_are_plain_in_a_space():
    space = space_of({"width": np.array([4, 8])})
    assert type(space.smallest()["width"]) is int


@dataclass(frozen=True)
class Pair:
    """An architecture of `Pairs`."""

    first: object
    second: object

    def __str__(self) -> str:
        return f"{self.first}/{self.second}"


class Pairs(MLPSpace):
    """A whole space of one's own: two numbers, each below 4; what is wrong with it is a method."""

    name = "tests:Pairs"

    def __init__(self, input_shape: tuple[int, ...] = SHAPE, outputs: int = 3) -> None:
        super().__init__(input_shape, outputs)
        self.size = 16
        self.actions = (self.actions[0], *self.actions[1:5])

    def config(self):
        return {"name": self.name}

    def smallest(self):
        return Pair(0, 0)

    def parse(self, text):
        first, _, second = text.partition("/")
        return Pair(int(first), int(second))

    def architecture(self, index):
        return Pair(*divmod(index, 4))

    def index(self, architecture):
        return int(architecture.first) * 4 + int(architecture.second)

    def edited(self, architecture, action):
        if action == 0:
            return architecture
        value = action - 1
        return None if architecture.second == value else Pair(architecture.first, value)

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        return builder.build(builder.linear(builder.input, self.outputs))


def test_a_sound_space_of_ones_own_is_accepted_and_looked_at_once(monkeypatch):
    space = Pairs()
    assert make_search_space(space, SHAPE, 3) is space
    monkeypatch.setattr(checks, "_Check", None)
    assert make_search_space(space, SHAPE, 3) is space


def raising(*_):
    raise KeyError("missing")


def one_layer(inputs, outputs):
    builder = NetworkBuilder(inputs)
    return builder.build(builder.linear(builder.flatten(builder.input), outputs))


WRONG = {
    "equal in Python, another text": (
        {"edited": lambda self, a, action: a if action == 0 else Pair(a.first, float(a.second))},
        "are equal in Python",
    ),
    "one text for two": ({"parse": lambda self, text: Pair(text, "")}, r"parse\('0/0'\) gives"),
    "a text that nothing reads": ({"parse": raising}, r"parse\('0/0'\) raises KeyError"),
    "another architecture": ({"parse": lambda self, text: Pair(3, 3)}, "another architecture than"),
    "numbers that do not lead back": ({"index": lambda self, a: 3}, r"whose index\(\) is 3"),
    "edits that lead outside": (
        {"edited": lambda self, a, action: a if action == 0 else Pair(a.first, 9)},
        "none of its architectures",
    ),
    "keep that moves": ({"edited": lambda self, a, action: Pair(3, 3)}, "let action 0 keep"),
    "an edit that fails": ({"edited": raising}, "raises KeyError"),
    "a network that fails": ({"network": raising}, r"network\('0/0'\) raises KeyError"),
    "a network with a width of .5": (
        {"network": lambda self, a: one_layer(self.input_shape, 0.5)},
        r"network\('0/0'\) raises TypeError",
    ),
    "a network of other classes": ({"network": lambda self, a: one_layer(self.input_shape, 7)}, r"to \(7,\)"),
    "a network of another input": ({"network": lambda self, a: one_layer((5,), 3)}, r"from \(5,\)"),
    "no network": ({"network": lambda self, a: None}, "gives a NoneType"),
    "architectures that change": ({"smallest": lambda self: [0, 0]}, "no hash"),
    "variables that are words": (
        {"variables": property(lambda self: {"first": ("0", "1")}, lambda self, value: None)},
        r"variables\['first'\] is \('0', '1'\)",
    ),
    "no name": ({"config": lambda self: {}}, "'name' of the space"),
}


@pytest.mark.parametrize(("methods", "message"), WRONG.values(), ids=WRONG)
def test_a_space_with_a_fault_is_refused_in_a_sentence(methods, message):
    faulty = type("Faulty", (Pairs,), methods)
    with pytest.raises(NASGymError, match=message) as refused:
        gym.make("NAS-v0", search_space=faulty((1, 8, 8), 10), task="digits", store="memory")
    assert "\n" not in str(refused.value)


def test_a_space_that_lacks_an_attribute_is_refused_in_a_sentence():
    class Bare(Pairs):
        def __init__(self, input_shape, outputs):
            self.input_shape, self.outputs = input_shape, outputs

    with pytest.raises(NASGymError, match="Bare has no actions, no size"):
        make_search_space(Bare(SHAPE, 3), SHAPE, 3)


def test_the_check_draws_the_same_architectures_each_time_and_uses_no_global_generator():
    seen: list[list[str]] = [[], []]
    for texts in seen:

        class Watched(OwnSpace):
            def network(self, architecture, texts=texts):
                texts.append(str(architecture))
                return super().network(architecture)

        before = np.random.get_state()[1].tolist()  # noqa: NPY002
        make_search_space(Watched(SHAPE, 3), SHAPE, 3)
        assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert seen[0] == seen[1]
    assert len(seen[0]) >= 4


def test_a_search_of_a_whole_space_of_ones_own_ends():
    space = OwnSpace((1, 8, 8), 10)
    evaluator = {"name": "function", "function": lambda architecture: 0.5}
    env = gym.make("NAS-v0", search_space=space, task="digits", evaluator=evaluator)
    result = make_agent("random").search(env, space.size + 5, 0)
    assert len(result.evaluations) == space.size
    assert result.stopped == "space exhausted"


def test_the_command_line_says_what_is_wrong_with_a_space_in_one_line(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from nas_gym.search_spaces import ChoiceSpace\n"
        "class Own(ChoiceSpace):\n    name = 'mine:Own'\n    choices = {'kernel': ((3, 3), (5, 5))}\n"
        "    def network(self, architecture): ...\n"
    )
    command = [sys.executable, "-m", "nas_gym", "search", "--agent", "random", "--search-space", "mine:Own"]
    command += ["--task", "digits", "--budget", "3", "--logdir", "runs"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert found.returncode == 2
    assert "the value (3, 3) of the choice 'kernel'" in " ".join(found.stderr.split())
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "runs").exists()


WALLS = make_search_space({"name": "tests.helpers.own_graph_space:Walls"}, (1, 8, 8), 10)


def test_edits_of_ones_own_have_exact_distances_without_a_bound_of_ones_own():
    start, goal = WALLS.parse("small"), WALLS.parse("large_wide/small/large_wide")
    assert WALLS.edit_distance(start, goal, 5) == 3
    assert WALLS.edit_distance(start, goal, 2) == 3
    path = WALLS.shortest_path(start, goal)
    assert path.shortest
    assert len(path) == 3
    assert path.architectures[-1] == goal


def test_edits_of_ones_own_are_described_by_their_sketch():
    found = WALLS.describe(WALLS.parse("small/large_wide"))
    assert found.words == "a network of two layers: small, then large wide"
    assert found.parts == {(1,): "small", (2,): "large wide"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    env = gym.make(
        "NAS-v0",
        search_space=WALLS,
        task="digits",
        evaluator={"name": "function", "function": "tests.helpers.own_graph_space:score", "noise": 0.01},
        store="memory",
        horizon=6,
    )
    folder = tmp_path_factory.mktemp("walls") / "run"
    make_agent({"name": "q-learning", "outputs": "actions"}).search(Trace(env, folder), WALLS.size, 0)
    return explain(folder, store="memory", write=False)


def test_a_search_with_edits_of_ones_own_is_explained_from_what_the_space_says(report):
    sections = {section.key: section for section in report.sections}
    assert "A network of four layers: large wide, then large wide" in report.summary.answer[0]
    assert any("its depth of 4" in sentence for sentence in report.summary.answer)
    choices = {entry["name"] for entry in sections["choices"].numbers["choices"]}
    assert choices == set(WALLS.variables)
    edits = {row[0] for table in sections["edits"].tables for row in table.rows}
    assert "swap brick, anywhere, from small to large_wide" in edits
    assert "add large_wide, anywhere" in edits
    assert sections["alternatives"].numbers["path"]["shortest"]
    rules = " ".join(str(row[0]) for table in sections["policy"].tables for row in table.rows)
    assert "bricks are small" in rules
    bricks = {name for name, variable in WALLS.variables.items() if variable.position}
    assert {row[0] for row in sections["attention"].tables[0].rows} <= bricks
