"""How commands end: a user's error is one sentence and exit code 2, an interruption says how to go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from nas_gym.errors import NASGymError

P = ParamSpec("P")

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def polite(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose user errors are one sentence and exit code 2, whatever it was doing."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except NASGymError as error:
            typer.echo(f"nas-gym: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            again = "every finished evaluation is kept, run the same command again to go on"
            typer.echo(f"nas-gym: interrupted; {again}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return wrapped
