"""Nothing executes what a file says: no loader that could, and no module that a file names."""

from __future__ import annotations

import ast
import functools
import json
import shutil
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents.runs.run import RunSpec, run

import nas_gym
from nas_gym import _trust
from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from nas_gym.explain import explain
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import read_table, write_table
from nas_gym.traces import load_policy, replay
from tests.helpers.data.tables import SMALL, fake_table

ROOT = Path(nas_gym.__file__).parents[1]
CANARY = "canary_of_a_test"

# What runs code that it is given, and where it may stand: with the reason.
DANGEROUS = {"eval", "exec", "compile", "__import__"}
LOADERS = {
    ("pickle", "loads"),
    ("pickle", "load"),
    ("pickle", "Unpickler"),
    ("cloudpickle", "loads"),
    ("cloudpickle", "load"),
    ("joblib", "load"),
    ("marshal", "loads"),
    ("marshal", "load"),
    ("shelve", "open"),
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("dill", "loads"),
    ("dill", "load"),
    ("pandas", "read_pickle"),
    ("os", "system"),
    ("os", "popen"),
    ("runpy", "run_path"),
    ("runpy", "run_module"),
}
OWN_PROCESS = "of the process that started this one, or that this one started, over a pipe of their own"
ALLOWED = {
    ("nas_gym/training/workers/travel.py", "pickle.loads"): OWN_PROCESS,
    ("nas_gym/training/workers/child.py", "pickle.load"): OWN_PROCESS,
    (
        "nas_gym/training/workers/child.py",
        "pickle.loads",
    ): "bytes that it has just made",
    ("nas_gym/training/workers/training_process.py", "pickle.load"): OWN_PROCESS,
    ("nas_gym/executors/ray.py", "pickle.loads"): "bytes that it has just made",
}
IMPORTS = {
    "nas_gym/registry.py": "a part by its import path, which `nas_gym._trust` asks for those of files",
    "nas_gym/traces/policies/neural.py": "classes of torch and stable-baselines3 in a list of prefixes",
    "nas_gym/tables/importers/nats_archive.py": "nats_bench, with --trust-pickle alone",
    "nas_gym/traces/minari_folder.py": "minari, by names in the code",
    "nas_gym/executors/ray_cluster.py": "ray, by a name in the code",
    "nas_gym/tasks/reading/typed_files.py": "openpyxl and pyarrow, by names in the code",
    "nas_gym/tasks/builtin/mnist1d.py": "mnist1d.data, by a name in the code",
    "nas_gym/tasks/builtin/dates.py": "babel.dates, by a name in the code",
    "nas_gym/tasks/chemistry/rdkit.py": "rdkit, by names in the code",
    "nas_gym/tasks/pairs/measures.py": "sacrebleu, by a name in the code",
    "nas_gym/tables/importers/nasbench_graph.py": "nas_bench_graph, by a name in the code",
    "agents/nas_agents/comparison/outcome.py": "pandas, by a name in the code",
    "agents/nas_agents/registry.py": "its own modules, from a dict in the code",
    "nas_gym/deploy/export/python_code.py": "the file of the export that was just written, to check it",
}


def sources() -> list[Path]:
    return sorted([*(ROOT / "nas_gym").rglob("*.py"), *(ROOT / "agents").rglob("*.py")])


def called(node: ast.Call) -> tuple[str, str]:
    """The module and the name of what is called, as far as they are written."""
    function = node.func
    if isinstance(function, ast.Name):
        return "", function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id, function.attr
    return "?", function.attr if isinstance(function, ast.Attribute) else ""


def keyword(node: ast.Call, name: str) -> object:
    return next(
        (each.value.value for each in node.keywords if each.arg == name and _is_plain(each.value)), None
    )


def _is_plain(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant)


@functools.cache
def parsed() -> dict[Path, list[ast.AST]]:
    """By file, the nodes that the checks look at."""
    return {path: looked_at(ast.parse(path.read_text("utf-8"))) for path in sources()}


def looked_at(tree: ast.AST) -> list[ast.AST]:
    kinds = (ast.Call, ast.Import, ast.ImportFrom, ast.Constant)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def flaws(path: Path, nodes: list[ast.AST]) -> list[str]:
    """Return the calls in a file that may run what data say."""
    place, found = path.relative_to(ROOT).as_posix(), []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in {module for module, _ in LOADERS}:
            found += [
                f"{place}: from {node.module} import {alias.name}"
                for alias in node.names
                if (node.module, alias.name) in LOADERS
            ]
        if not isinstance(node, ast.Call):
            continue
        module, name = called(node)
        what = f"{module}.{name}" if module else name
        if (module, name) in LOADERS and (place, what) not in ALLOWED:
            found.append(f"{place}: {what}")
        if not module and name in DANGEROUS:
            found.append(f"{place}: {name}")
        if (module, name) == ("torch", "load") and keyword(node, "weights_only") is not True:
            found.append(f"{place}: torch.load without weights_only")
        if module in ("np", "numpy") and name == "load" and keyword(node, "allow_pickle") is not False:
            found.append(f"{place}: np.load without allow_pickle=False")
        if name in ("import_module", "spec_from_file_location") and place not in IMPORTS:
            found.append(f"{place}: {name}")
        if any(each.arg == "shell" for each in node.keywords):
            found.append(f"{place}: a shell")
    return found


def test_no_loader_in_the_packages_can_run_what_is_loaded():
    found = [flaw for path, nodes in parsed().items() for flaw in flaws(path, nodes)]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "pickle.load(file)",
        "from pickle import loads",
        "eval(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "importlib.import_module(name)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_check_finds_what_it_looks_for(line):
    assert flaws(ROOT / "nas_gym" / "errors.py", looked_at(ast.parse(line)))


def test_every_exception_is_still_needed():
    calls = {
        (path.relative_to(ROOT).as_posix(), ".".join(called(node)))
        for path, nodes in parsed().items()
        for node in nodes
        if isinstance(node, ast.Call)
    }
    assert set(ALLOWED) <= calls
    importing = {
        place for place, what in calls if what.endswith(("import_module", "spec_from_file_location"))
    }
    assert set(IMPORTS) == importing


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A module that leaves a file behind when it is imported; whatever it is named by, it must not be."""
    folder = tmp_path / "path"
    folder.mkdir()
    sang = tmp_path / "sang"
    source = f"open({str(sang)!r}, 'w').close()\ndef part(*given, **options):\n    return 0.5\n"
    (folder / f"{CANARY}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(_trust, "_named", set())
    yield sang
    sys.modules.pop(CANARY, None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    env = {
        "search_space": {"name": "mlp", "max_layers": 1, "widths": [8], "activations": ["relu", "tanh"]},
        "task": "breast_cancer",
        "evaluator": {"name": "train", "recipe": {"epochs": 1}},
        "horizon": 3,
        "store": "memory",
    }
    run(RunSpec("random", 2, str(folder), 0, "NAS-v0", env), keep_network=True)
    return folder


PARTS = [f"{CANARY}:part", "os:system", "nas_gym._files:write_text"]
PLACES = {
    "space": lambda config, name: config["env"].update(search_space={"name": name}),
    "task": lambda config, name: config["env"].update(task={"name": name}),
    "reward": lambda config, name: config["env"].update(reward={"name": name}),
    "evaluator": lambda config, name: config["env"].update(evaluator={"name": name}),
    "function": lambda config, name: config["env"].update(evaluator={"name": "function", "function": name}),
    "id": lambda config, name: config.update(env_id=f"{name.partition(':')[0]}:NAS-v0"),
}


@pytest.mark.parametrize(
    "read", [replay, lambda folder: explain(folder, budget=0)], ids=["replay", "explain"]
)
@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("place", PLACES)
def test_no_run_folder_chooses_what_is_imported(tmp_path, canary, finished, place, name, read):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    config = json.loads((folder / "config.json").read_text())
    PLACES[place](config, name)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(NASGymError, match="no file chooses which code runs"):
        read(folder)
    assert not canary.exists()
    assert CANARY not in sys.modules


@pytest.mark.parametrize("name", PARTS)
def test_no_table_and_no_saved_network_chooses_what_is_imported(tmp_path, canary, finished, name):
    path = tmp_path / "table.npz"
    write_table(fake_table(), path)
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    header = json.loads(str(arrays["header"])) | {"search_space": {"name": name}}
    np.savez(path, **arrays | {"header": np.array(json.dumps(header))})
    with pytest.raises(NASGymError, match="no file chooses which code runs"):
        read_table(path)
    content = torch.load(finished / "best.pt", weights_only=True)
    torch.save(content | {"search_space": {"name": name}}, tmp_path / "best.pt")
    with pytest.raises(NASGymError, match="no file chooses which code runs"):
        load_network(tmp_path / "best.pt")
    assert not canary.exists()


def test_no_policy_chooses_what_is_imported(tmp_path, canary):
    space = make_search_space(SMALL, (1, 40), 10)
    for name in (f"{CANARY}.part", "os.system", "torch.nn.Linear", f"torch.nn.{CANARY}", "sb3_contrib.x.Y"):
        description = {
            "format": 1,
            "kind": "q_values",
            "class": name,
            "parameters": {},
            "view": ["dict", 20, False],
        }
        torch.save({"description": json.dumps(description), "weights": {}}, tmp_path / "1.pt")
        with pytest.raises(NASGymError):
            load_policy(tmp_path / "1.pt", space)
    assert not canary.exists()


def test_what_the_user_names_is_imported_and_may_be_named_by_files_from_then_on(tmp_path, canary, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    config = json.loads((folder / "config.json").read_text())
    config["env"]["evaluator"] = {"name": "function", "function": f"{CANARY}:part"}
    (folder / "config.json").write_text(json.dumps(config))
    gym.make("NAS-v0", evaluator={"name": "function", "function": f"{CANARY}:part"}, task="breast_cancer")
    assert canary.exists()
    with pytest.raises(NASGymError, match="made with something else"):
        replay(folder)


def test_a_module_that_the_user_trusts_is_imported_for_a_file(tmp_path, canary, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    config = json.loads((folder / "config.json").read_text())
    config["env"]["reward"] = {"name": f"{CANARY}:part"}
    (folder / "config.json").write_text(json.dumps(config))
    nas_gym.trust(CANARY)
    with pytest.raises(NASGymError, match="something else"):
        replay(folder)
    assert canary.exists()


def test_an_unpickled_bomb_never_goes_off(tmp_path, finished):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save(Bomb(), tmp_path / "best.pt")
    np.save(tmp_path / "x.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([Bomb()], dtype=object), y=np.zeros(1))
    for read in (
        lambda: load_network(tmp_path / "best.pt"),
        lambda: gym.make("NAS-v0", task=str(tmp_path / "x.npz")),
        lambda: gym.make("NAS-v0", task=str(tmp_path / "x.npy")),
        lambda: read_table(tmp_path / "x.npz"),
    ):
        with pytest.raises(NASGymError):
            read()
    assert not (tmp_path / "exploded").exists()
