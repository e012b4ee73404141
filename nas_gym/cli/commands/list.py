"""The command ``nas-gym list``: what there is to search, and who can search it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from nas_gym.cli.console import output, print_table
from nas_gym.cli.errors import polite
from nas_gym.errors import ConfigError

LIST_EXAMPLE = "Example: `nas-gym list`"


@polite
def list_parts() -> None:
    """List environments, search spaces with their sizes, tasks, tables, agents and rewards."""
    from nas_agents import AGENTS, describe

    from nas_gym.envs import IDS, REWARDS, TASKS_ID
    from nas_gym.search_spaces import SEARCH_SPACES, make_search_space
    from nas_gym.tables import table_files
    from nas_gym.tasks import CLASSES, SHAPE, TASKS

    console = output()

    def size(name: str, space: Any) -> str:
        try:
            return f"{make_search_space(name, SHAPE, CLASSES).size:,}"
        except ConfigError:
            if space.__module__.startswith("nas_gym."):
                return "other inputs"
            raise

    print_table(console, "environments", [[name] for name in (*IDS, TASKS_ID)])
    print_table(
        console,
        f"search spaces, with their number of architectures for inputs of mnist1d {SHAPE}",
        [[name, size(name, space), _summary(space)] for name, space in SEARCH_SPACES.items()],
    )
    print_table(console, "tasks", [[name, _summary(loader)] for name, loader in TASKS.items()])
    print_table(console, "tables, see nas-gym benchmark list", [[name] for name in table_files()])
    described = {name: describe(name) for name in AGENTS}
    agents = [[name, about.access, _first_sentence(about.docstring)] for name, about in described.items()]
    access = "walk (only steps), query (any architecture) or gradient (weights that architectures share)"
    print_table(console, f"agents, with their access: {access}", agents)
    print_table(console, "rewards", [[name, _summary(reward)] for name, reward in REWARDS.items()])


def _summary(part: Any) -> str:
    """Return the first sentence of a part's documentation."""
    return _first_sentence(inspect.getdoc(part) or "")


def _first_sentence(docstring: str) -> str:
    text = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"\.\s+(?=[A-Z])", text)[0].rstrip(".").replace("`", "")
