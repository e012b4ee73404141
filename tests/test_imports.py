"""What may import what: the contracts hold, and would not if somebody broke one."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUBS = [*(ROOT / "nas_gym").glob("*/__init__.pyi"), ROOT / "agents" / "nas_agents" / "__init__.pyi"]
FACES = {".".join(stub.parts[len(ROOT.parts) : -1]).removeprefix("agents."): stub for stub in sorted(STUBS)}
PLANTS = {
    "a space that trains": ("nas_gym/search_spaces/mlp.py", "from nas_gym.evaluators import train"),
    "an environment that traces": ("nas_gym/envs/run/ledger.py", "import nas_gym.traces"),
    "a network form that knows spaces": ("nas_gym/networks/graph.py", "import nas_gym.search_spaces"),
    "a task that knows spaces": ("nas_gym/tasks/base.py", "import nas_gym.search_spaces.mlp"),
    "an engine that knows tasks": ("nas_gym/training/members.py", "import nas_gym.tasks.base"),
    "an agent that knows its contract": ("agents/nas_agents/evolution.py", "import nas_gym.testing"),
    "a part that imports a suite": ("nas_gym/explain/pipeline.py", "from nas_gym.testing import check_agent"),
    "a trace that knows agents": ("nas_gym/traces/replaying.py", "import nas_agents"),
    "a command that reaches inside the agents": ("nas_gym/cli/app.py", "import nas_agents.comparison.runner"),
    "an agent that reaches inside": ("agents/nas_agents/evolution.py", "import nas_gym.envs.nas_env"),
    "an agent that reads a private file": (
        "agents/nas_agents/evolution.py",
        "from nas_gym._checks import plain",
    ),
}


@pytest.fixture
def copy(tmp_path):
    """A copy of the code with its contracts."""
    shutil.copytree(ROOT / "nas_gym", tmp_path / "nas_gym")
    shutil.copytree(ROOT / "agents" / "nas_agents", tmp_path / "nas_agents")
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def check(folder):
    """Run import-linter on the copy."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold(copy):
    done = check(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_import_is_found(copy, plant):
    file, line = PLANTS[plant]
    path = copy / file.removeprefix("agents/")
    path.write_text(path.read_text() + f"\n{line}\n")
    done = check(copy)
    assert done.returncode != 0
    assert "1 broken" in done.stdout or "2 broken" in done.stdout


def test_every_private_file_is_named_in_its_contract():
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    named = contracts["importlinter:contract:private"]["protected_modules"].split()
    assert named == sorted(f"nas_gym.{path.stem}" for path in (ROOT / "nas_gym").glob("_[a-z]*.py"))


# Loading other packages takes longer than all else: one process does it, and a child of it looks at one face.
CHILDREN = """
import json, os, sys, traceback
import matplotlib.pyplot, optuna, sb3_contrib, sklearn.ensemble, sqlalchemy.orm, torch.utils.tensorboard
for room, names in json.loads(sys.argv[1]).items():
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            exec(f"from {room} import {', '.join(names)}")
            found = dir(sys.modules[room])
        except BaseException:
            found = traceback.format_exc()
        print(json.dumps([room, found]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def names_of(face):
    stub = ast.parse(FACES[face].read_text())
    return [alias.name for line in stub.body if isinstance(line, ast.ImportFrom) for alias in line.names]


@pytest.fixture(scope="module")
def found_names():
    """The names of each face, or why it could not be imported, by a process without any other of ours."""
    wanted = json.dumps({face: names_of(face) for face in FACES})
    command = [sys.executable, "-c", CHILDREN, wanted]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(line) for line in printed.splitlines())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process of this system cannot fork")
@pytest.mark.parametrize("face", FACES)
def test_every_name_of_a_face_is_found_by_a_process_that_imported_nothing_else_of_ours(face, found_names):
    assert isinstance(found_names[face], list), found_names[face]
    assert set(names_of(face)) <= set(found_names[face])


def prints(path):
    """Yield what in a module prints or draws on a terminal."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in ("rich", "typer"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("rich", "typer"):
            yield node.module
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield "print"


def test_nothing_below_the_command_line_prints():
    files = [*(ROOT / "nas_gym").rglob("*.py"), *(ROOT / "agents" / "nas_agents").rglob("*.py")]
    # Templates are programs of their own, which an export writes.
    below = [
        path
        for path in files
        if not path.is_relative_to(ROOT / "nas_gym" / "cli") and path.parent.name != "templates"
    ]
    assert {str(path): found for path in below if (found := list(prints(path)))} == {}
    assert list(prints(ROOT / "nas_gym" / "cli" / "progress.py")) == [
        "rich.console",
        "rich.progress",
        "rich.text",
    ]
