"""The options that say where work is done, other than in this process."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nas_gym.cli.options import name_or_json
from nas_gym.errors import ConfigError

Executing = Annotated[
    str | None,
    typer.Option(
        "--executor", help="ray, or JSON with its options, see docs/clusters.md; this process by default."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="Of the executor: auto, HOST:PORT or ray://HOST:PORT; this machine by default."),
]


def executor_of(text: str | None, address: str | None) -> Any:
    """Return an executor by name or JSON, at an address; None where there is none.

    Raises:
        NASGymError: if the text opens like JSON and is not an object, or there is an address alone.
    """
    if text is None:
        if address is not None:
            raise ConfigError("--address is that of an executor and there is none: pass --executor ray")
        return None
    executor = name_or_json("--executor", text)
    if not isinstance(executor, str | dict):
        raise ConfigError(f"--executor must be a name or a JSON object with a name, not {text!r}")
    if address is None:
        return executor
    return (
        {"name": executor, "address": address}
        if isinstance(executor, str)
        else executor | {"address": address}
    )
