"""Saved networks and policies that are damaged, or would run code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.faults.malformed.case import Case, Material, edited_archive, good_rows

EXPLAIN = ("explain", "other", "run", "--budget", "0", "--store", "memory")


class Bomb:
    """What leaves a file behind when it is unpickled."""

    def __reduce__(self) -> Any:
        return (open, ("exploded", "w"))


def network(name: str, says: str, edit: Callable[[dict[str, Any]], Any]) -> Case:
    """An answer by a network whose file is changed."""

    def write(material: Material) -> None:
        path = material.run / "best.pt"
        content = torch.load(path, weights_only=True)
        replaced = edit(content)
        torch.save(content if replaced is None else replaced, path)

    return Case(name, ("predict", "run", "good.csv"), says, write)


def raw(name: str, says: str, edit: Callable[[bytes], bytes]) -> Case:
    def write(material: Material) -> None:
        path = material.run / "best.pt"
        path.write_bytes(edit(path.read_bytes()))

    return Case(name, ("predict", "run", "good.csv"), says, write)


def encoder(edit: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def change(content: dict[str, Any]) -> None:
        values = json.loads(content["encoder"])
        replaced = edit(values)
        content["encoder"] = json.dumps(values if replaced is None else replaced)

    return change


def policy(name: str, says: str, edit: Callable[[Material], None]) -> Case:
    """A comparison of policies of which the last is changed; an explanation of one run does without it."""

    def write(material: Material) -> None:
        shutil.copytree(material.run, material.home / "other")
        edit(material)

    return Case(name, EXPLAIN, says, write)


def last(material: Material) -> Any:
    return max((material.run / "policy").glob("*.npz"), key=lambda path: int(path.stem))


def arrays_of_policy(**edits: Any) -> Callable[[Material], None]:
    return lambda material: edited_archive(last(material), edits)


def neural(material: Material, **description: Any) -> None:
    """Put a policy of networks beside the tables, later than these."""
    values = {"format": 1, "kind": "q_values", "parameters": {}, "view": ["dict", None, False], **description}
    torch.save({"description": json.dumps(values), "weights": {}}, material.run / "policy" / "999.pt")


def first_weight(content: dict[str, Any]) -> str:
    return str(next(iter(content["weights"])))


def as_folder(material: Material) -> None:
    (material.run / "best.pt").unlink()
    (material.run / "best.pt").mkdir()


def drop_weight(content: dict[str, Any]) -> None:
    del content["weights"][first_weight(content)]


CASES = [
    raw("a network that is a text", "no saved network", lambda content: b"text"),
    raw("a network that is empty", "no saved network", lambda content: b""),
    raw("a network that is cut off", "no saved network", lambda content: content[:-500]),
    raw(
        "a network whose middle is damaged",
        "no saved network|damaged",
        lambda content: content[:200] + bytes(400) + content[600:],
    ),
    raw("a network that is a table of text", "no saved network", lambda content: good_rows().encode()),
    network("a network that is a bomb", "no saved network", lambda content: content.update(about=Bomb())),
    network("a network that is a list", "no saved network", lambda content: [1, 2]),
    network("a network without a format", "no saved network", lambda content: content.pop("format") and None),
    network("a network of a later format", "has format 99", lambda content: content.update(format=99)),
    network("a network of the first format", "format 1", lambda content: content.update(format=1)),
    network("a network without weights", "no saved network", lambda content: content.pop("weights") and None),
    network(
        "a network without one weight",
        "no saved network",
        lambda content: drop_weight(content),
    ),
    network(
        "a network with a weight of another shape",
        "no saved network",
        lambda content: content["weights"].update({first_weight(content): torch.zeros(3)}),
    ),
    network(
        "a network with weights that are texts",
        "no saved network",
        lambda content: content.update(weights={"a": "b"}),
    ),
    network(
        "a network of an unknown architecture",
        "huge-7",
        lambda content: content.update(architecture="huge-7"),
    ),
    network(
        "a network whose architecture is a number",
        "no saved network|architecture",
        lambda content: content.update(architecture=7),
    ),
    network(
        "a network of an unknown space",
        "unknown search space",
        lambda content: content.update(search_space={"name": "mpl"}),
    ),
    network(
        "a network with a space of a module",
        "no file chooses",
        lambda content: content.update(search_space={"name": "antigravity:Space"}),
    ),
    network(
        "a network for a shape of words",
        "no saved network|shape",
        lambda content: content.update(input_shape=["a"]),
    ),
    network(
        "a network with an unknown target",
        "target|no saved network",
        lambda content: content["target"].update(kind="dreams"),
    ),
    network(
        "a network with classes that are a number",
        "no saved network|names",
        lambda content: content["target"].update(names=3),
    ),
    network("a network whose mean is a text", "no saved network", lambda content: content.update(mean="0")),
    network(
        "a network whose encoder is no JSON", "no saved network", lambda content: content.update(encoder="{")
    ),
    network("a network whose encoder is a list", "no saved network", encoder(lambda found: [1])),
    network(
        "a network about which nothing can be read",
        "no saved network",
        lambda content: content.update(about="[" * 20_000),
    ),
    Case(
        "a run without its network",
        ("predict", "run", "good.csv"),
        "no saved network",
        lambda material: (material.run / "best.pt").unlink(),
    ),
    Case(
        "a network that is a folder",
        ("predict", "run", "good.csv"),
        "no saved network",
        as_folder,
    ),
    Case(
        "an export of a network that is a text",
        ("export", "run", "--to", "python"),
        "no saved network",
        lambda material: (material.run / "best.pt").write_text("x") and None,
    ),
    policy("a policy that is a text", "damaged", lambda material: last(material).write_text("x") and None),
    policy(
        "a policy that is cut off",
        "damaged",
        lambda material: last(material).write_bytes(last(material).read_bytes()[:-200]) and None,
    ),
    policy("a policy of Python objects", "damaged", arrays_of_policy(states=np.array([{}], dtype=object))),
    policy("a policy without states", "damaged", arrays_of_policy(states=None)),
    policy(
        "a policy of another width",
        "actions",
        arrays_of_policy(states=np.array(["relu-8"]), values=np.zeros((1, 99))),
    ),
    policy("a policy of fewer states than values", "damaged", arrays_of_policy(states=np.array(["relu-8"]))),
    policy(
        "a policy of networks that is a text",
        "damaged",
        lambda material: (material.run / "policy" / "999.pt").write_text("x") and None,
    ),
    policy(
        "a policy of networks that is a bomb",
        "damaged",
        lambda material: torch.save(Bomb(), material.run / "policy" / "999.pt"),
    ),
    policy(
        "a policy of a class of Python",
        "none of torch",
        lambda material: neural(material, **{"class": "os.system"}),
    ),
    policy(
        "a policy of a class of torch that is no policy",
        "none of torch|damaged|policy",
        lambda material: neural(material, **{"class": "torch.nn.Linear"}),
    ),
    policy(
        "a policy of a class that there is not",
        "none of torch",
        lambda material: neural(material, **{"class": "stable_baselines3.nowhere.Policy"}),
    ),
    policy("a policy without a class", "damaged", lambda material: neural(material)),
    policy(
        "a policy with a view of its own",
        "damaged|view|observation",
        lambda material: neural(
            material, **{"class": "stable_baselines3.dqn.policies.DQNPolicy", "view": ["dreams", None, False]}
        ),
    ),
    policy(
        "a policy of a description that is a list",
        "damaged|policy",
        lambda material: torch.save({"description": "[]", "weights": {}}, material.run / "policy" / "999.pt"),
    ),
]
