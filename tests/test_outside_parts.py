"""Parts of a user's own, each one file and one line, go the whole way: from one training to the report.

The user has a folder of five files: an operation without fused kernels, a search space with add, remove
and swap whose networks hold it, a task that predicts values, an agent, and a question. The line that
registers each of them is its import path, in Python and on the command line. Nothing in the package
knows of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

OPERATION = '''
from nas_gym.networks import Operation


class Sine(Operation):
    """sin(frequency * x), with a frequency of each unit that is trained."""

    def parameter_shapes(self, node):
        return {"frequency": node.shape}

    def forward(self, node, inputs, arrays, training):
        return (arrays["frequency"] * inputs[0]).sin()
'''
SPACE = '''
from dataclasses import dataclass
from itertools import product

import numpy as np
from gymnasium import spaces

from nas_gym import ConfigError, NetworkBuilder, SearchSpace
from nas_gym.search_spaces import KEEP, Edit, Sketch, Variable
from parts.sine import Sine

KINDS, MOST = ("relu", "sine"), 4


@dataclass(frozen=True)
class Stack:
    kinds: tuple[str, ...]

    def __str__(self):
        return " > ".join(self.kinds)


class Stacks(SearchSpace):
    """One to four layers of 8 units; edits add and remove the first layer, and swap what any layer does."""

    name = "parts.stacks:Stacks"
    num_box_codes, num_link_codes = 2 + len(KINDS), 1

    def __init__(self, input_shape, outputs):
        self.input_shape, self.outputs = input_shape, outputs
        layers = range(1, MOST + 1)
        self._all = [Stack(kinds) for depth in layers for kinds in product(KINDS, repeat=depth)]
        self.size = len(self._all)
        chosen = [Variable.of_whole("depth", layers), *(Variable.at("layer", (at,), KINDS) for at in layers)]
        self.variables = {variable.name: variable for variable in chosen}
        adds = [Edit("add", f"add {kind} before layer 1", "layer", (1,), kind) for kind in KINDS]
        remove = Edit("remove", "remove layer 1", "layer", (0, 1))
        swaps = [
            Edit("swap", f"swap layer {at} to {kind}", "layer", (at,), kind)
            for at in layers
            for kind in KINDS
        ]
        self.actions = (KEEP, *adds, remove, *swaps)
        self.observation_space = spaces.Dict({"layers": spaces.MultiDiscrete([1 + len(KINDS)] * MOST)})

    def config(self):
        return {"name": self.name}

    def smallest(self):
        return self._all[0]

    def parse(self, text):
        stack = Stack(tuple(text.split(" > ")))
        if stack not in self._all:
            raise ConfigError(f"{text!r} is not a stack: join 1 to {MOST} of {', '.join(KINDS)} by ' > '")
        return stack

    def edited(self, architecture, action):
        edit, kinds = self.actions[action], architecture.kinds
        if edit.kind == "add":
            kinds = (edit.value, *kinds)
        elif edit.kind == "remove":
            kinds = kinds[1:]
        elif edit.kind == "swap":
            at = edit.place[0]
            kinds = (*kinds[: at - 1], edit.value, *kinds[at:]) if at <= len(kinds) else kinds
        after = Stack(kinds)
        legal = edit == KEEP or (after != architecture and after in self._all)
        return after if legal else None

    def index(self, architecture):
        return self._all.index(architecture)

    def architecture(self, index):
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._all[index]

    def encode(self, architecture):
        codes = [KINDS.index(kind) for kind in architecture.kinds]
        filled = [len(codes) - 1, *codes, *[0] * (MOST - len(codes))]
        return dict(zip(self.variables, filled, strict=True))

    def decode(self, values):
        depth, *codes = (values[name] for name in self.variables)
        return Stack(tuple(KINDS[code] for code in codes[: depth + 1]))

    def active_variables(self, architecture):
        return frozenset(list(self.variables)[: 1 + len(architecture.kinds)])

    def observe(self, architecture):
        codes = [1 + KINDS.index(kind) for kind in architecture.kinds]
        return {"layers": np.array(codes + [0] * (MOST - len(codes)))}

    def sketch(self, architecture):
        kinds = architecture.kinds
        links = tuple((box, box + 1, "") for box in range(len(kinds) + 1))
        codes = (0, *(2 + KINDS.index(kind) for kind in kinds), 1)
        return Sketch(("input", *kinds, "output"), links, codes, (0,) * len(links))

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.input
        for at, kind in enumerate(architecture.kinds, start=1):
            node = builder.linear(node, 8, layer=str(at))
            if kind == "sine":
                node = builder.operation(Sine(), node, layer=str(at))
            else:
                node = builder.activation(node, kind, layer=str(at))
        return builder.build(builder.linear(node, self.outputs, layer="output"))
'''
TASK = '''
import numpy as np

from nas_gym import Data


def pendulum():
    """Where is a damped pendulum after some time?"""
    x = np.random.default_rng(0).uniform((0, 0), (6, 0.4), size=(300, 2))
    angle = 40 * np.exp(-x[:, 0] * x[:, 1]) * np.cos(x[:, 0])
    return Data(x, angle, target_kind="values", target_names=("angle",), feature_names=("time", "damping"))
'''
AGENT = '''
from dataclasses import dataclass

from nas_agents import Agent


@dataclass(kw_only=True)
class Turns(Agent):
    """Takes the legal edits in turn."""

    name = "parts.turns:Turns"
    access = "walk"

    def run(self, session):
        _, info = session.env.reset()
        turn = 0
        while True:
            legal = info["action_mask"].nonzero()[0]
            _, _, terminated, truncated, info = session.env.step(int(legal[turn % len(legal)]))
            turn += 1
            if terminated or truncated:
                _, info = session.env.reset()
'''
QUESTION = """
from nas_gym.explain import Question, Section

KEY, TEXT = "sines", "Do sines swing?"


def explain_sines(evidence, settings):
    scores = {str(one.architecture): one.score for one in evidence.seen}
    sines = [score for text, score in scores.items() if "sine" in text]
    answer = f"The {len(sines)} networks with a sine score {sum(sines) / len(sines):.4f} on average."
    return Section(KEY, TEXT, (answer,), numbers={"sines": len(sines)})


SINES = Question(KEY, TEXT, explain_sines)
"""
FILES = {
    "sine.py": OPERATION,
    "stacks.py": SPACE,
    "pendulum.py": TASK,
    "turns.py": AGENT,
    "sines.py": QUESTION,
}
PROGRAM = """
import json

import gymnasium as gym
import nas_gym
from nas_gym.testing import check_agent, check_search_space, check_task

env = gym.make(
    "NAS-v0", search_space="parts.stacks:Stacks", task="parts.pendulum:pendulum", store="memory", device="cpu"
)
problem = env.unwrapped
check_search_space(problem.search_space)
check_task("parts.pendulum:pendulum")
check_agent("parts.turns:Turns")
env.reset(seed=0, options={"architecture": "relu"})
_, reward, _, _, info = env.step(2)
network = problem.search_space.network(problem.search_space.parse(info["architecture"]))
evaluation = problem.evaluate(info["architecture"])
told = {
    "reward": reward,
    "info": {name: info[name] for name in ("architecture", "edit", "score", "best_score", "error")},
    "operations": [node.operation.name for node in network.nodes],
    "metrics": evaluation.metrics,
    "unique": problem.stats.unique,
    "label": problem.task.target.metric.label,
}
print(json.dumps(told))
"""
PROBLEM = ["--search-space", "parts.stacks:Stacks", "--task", "parts.pendulum:pendulum", "--device", "cpu"]
EXPERIMENT = "NAS-v0-parts.stacks-Stacks-parts.pendulum-pendulum"


@pytest.fixture(scope="module")
def user(tmp_path_factory) -> SimpleNamespace:
    """The user's folder of parts, and a folder in which nothing but their import path leads to them."""
    home = tmp_path_factory.mktemp("user")
    folder = home / "path" / "parts"
    folder.mkdir(parents=True)
    for name, source in {"__init__.py": "", **FILES}.items():
        (folder / name).write_text(source)
    (home / "work").mkdir()
    return SimpleNamespace(path=home / "path", work=home / "work")


@pytest.fixture(scope="module")
def trained(user) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(user, "-c", PROGRAM))
    return told


@pytest.fixture(scope="module")
def searched(user) -> SimpleNamespace:
    """A search of the user's agent with the user's parts."""
    said = command(user, "search", "--agent", "parts.turns:Turns", *PROBLEM, "--budget", "18")
    folder = user.work / "tensorboard_logs" / EXPERIMENT / "parts.turns-Turns" / "seed0"
    lines = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    return SimpleNamespace(said=said, folder=folder, lines=lines)


@pytest.fixture(scope="module")
def explained(user, searched) -> SimpleNamespace:
    """The explanation of that search, with the user's question."""
    options = ["--budget", "16", "--store", "memory", "--question", "parts.sines:SINES", "--trust", "parts"]
    said = command(user, "explain", str(searched.folder), *options)
    return SimpleNamespace(said=said, folder=searched.folder)


def run(user: SimpleNamespace, *arguments: str) -> str:
    """Run Python where the user's parts can be imported; what it prints, or a failed test with its errors."""
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(user.path), *([inherited] if inherited else [])])
    environment = os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(user.work), "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=user.work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(user: SimpleNamespace, *arguments: str) -> str:
    """Run a command of nas-gym."""
    return run(user, "-m", "nas_gym", *arguments)


def numbers_in(value: Any) -> set[float]:
    """Every number that is not whole in the values of a JSON file."""
    if isinstance(value, dict):
        return {found for each in value.values() for found in numbers_in(each)}
    if isinstance(value, list):
        return {found for each in value for found in numbers_in(each)}
    return {value} if isinstance(value, float) and value != int(value) else set()


def test_an_edit_adds_the_operation_and_is_paid_by_training(trained):
    assert trained["info"]["edit"] == "add sine before layer 1"
    assert trained["info"]["architecture"] == "sine > relu"
    assert trained["operations"] == ["input", "linear", "parts.sine:Sine", "linear", "activation", "linear"]
    assert trained["info"]["error"] == ""
    assert 0.1 < trained["reward"] < 1
    assert trained["reward"] == trained["info"]["score"] == trained["info"]["best_score"]
    assert trained["unique"] == 1


def test_a_task_of_values_is_scored_by_r2_with_its_errors_in_units_of_the_data(trained):
    assert trained["label"] == "R²"
    assert 0 < trained["metrics"]["mae"] < trained["metrics"]["rmse"] < 40


def test_a_search_of_the_agent_is_recorded_and_its_choice_is_kept(searched):
    config = json.loads((searched.folder / "config.json").read_text())
    assert config["agent"] == "parts.turns:Turns"
    steps = [line for line in searched.lines if line["kind"] == "step"]
    assert {"add", "remove", "swap"} <= {step["edit"].split()[0] for step in steps}
    assert any("sine" in step["next"] for step in steps)
    assert searched.lines[-1]["unique"] == 18
    assert (searched.folder / "best.pt").is_file()
    assert "R²" in searched.said
    assert "accuracy" not in searched.said


def test_a_comparison_ranks_the_agent_beside_those_of_the_package(user):
    compared = ["--agents", "parts.turns:Turns,random", "--seeds", "2", "--jobs", "1"]
    said = command(user, "compare", *compared, *PROBLEM, "--budget", "4", "--name", "compared")
    for agent in ("parts.turns", "random"):
        assert re.search(rf"^\s*\d+\s+{re.escape(agent)}", said, re.MULTILINE), said
    assert "R²" in said
    assert "accuracy" not in said
    report = next((user.work / "tensorboard_logs").glob("*compared*/comparison.md")).read_text()
    assert "parts.turns" in report


def test_the_report_answers_the_question(explained, searched):
    scores = {line["next"]: line["score"] for line in searched.lines if line["kind"] == "step"}
    sines = [score for text, score in scores.items() if "sine" in text]
    answer = f"The {len(sines)} networks with a sine score {fmean(sines):.4f} on average."
    explanation = json.loads((explained.folder / "explanation.json").read_text())
    section = explanation["sections"]["sines"]
    assert section["question"] == "Do sines swing?"
    assert section["answer"] == [answer]
    assert section["numbers"] == {"sines": len(sines)}
    for question in ("choices", "edits", "alternatives", "network"):
        assert not explanation["sections"][question]["withheld"], question
    for file in ("report.html", "report.md"):
        text = (explained.folder / file).read_text()
        assert answer in text
        assert "add sine before layer 1" in text
        assert "()" not in text
        assert "R²" in text
    assert "R²" in explained.said


def test_tensorboard_shows_the_scores_the_operation_and_the_answer(explained):
    events = EventAccumulator(str(explained.folder), size_guidance={"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    assert {"1_search/score", "4_steps/score"} <= set(tags)
    outcome = EventAccumulator(str(explained.folder / "outcome"), size_guidance={"scalars": 0}).Reload()
    best = [event.value for event in outcome.Scalars("1_search/best_score")]
    assert len(best) == 18
    assert best == sorted(best)
    assert "Sine" in {node.op for node in events.Graph().node}
    answers = EventAccumulator(str(explained.folder / "explanation"), size_guidance={"tensors": 0}).Reload()
    assert any("Do sines swing?" in tag for tag in answers.Tags()["tensors"])


def test_no_test_score_is_in_what_the_search_wrote_but_its_result(searched):
    result = json.loads((searched.folder / "result.json").read_text())
    finals = result["final"]
    secret = {result["test_score"], *(final["test_score"] for final in finals)}
    secret |= {value for final in finals for value in final["metrics"].values()}
    assert len(secret) == 1 + len(finals) + 2 * len(finals)
    assert not secret & numbers_in(searched.lines)
    events = EventAccumulator(str(searched.folder), size_guidance={"scalars": 0}).Reload()
    shown = [event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)]
    assert all(value != pytest.approx(one, rel=1e-6) for value in shown for one in secret)
