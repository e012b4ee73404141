"""How commands end: a user's error is one sentence and exit code 2, an interruption says how to go on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TextIO

import typer

from nas_gym._files import unwritten
from nas_gym.cli.flags import in_flags
from nas_gym.errors import DataWarning, NASGymError

P = ParamSpec("P")

LEFT_OUT = frozenset(
    {
        "cloudpickle",
        "google_crc32c",
        "gymnasium",
        "jinja2",
        "matplotlib",
        "optuna",
        "platformdirs",
        "sb3_contrib",
        "scipy",
        "sklearn",
        "sqlalchemy",
        "stable_baselines3",
        "tensorboard",
        "threadpoolctl",
    }
)
"""Modules that an install for predicting alone may lack, see `docs/own_data.md`."""
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def polite(command: Callable[P, None]) -> Callable[P, None]:
    """Return a command whose user errors are one sentence and exit code 2, whatever it was doing."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _notes_told():
                command(*args, **kwargs)
        except NASGymError as error:
            typer.echo(f"nas-gym: {in_flags(str(error))}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in LEFT_OUT:
                raise
            lacking = f"this needs {error.name}, which an install for predicting alone lacks"
            typer.echo(f"nas-gym: {lacking}: pip install nas-gym installs all it needs", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except BrokenPipeError:
            raise  # of whoever reads what is printed, which is no file's fault
        except OSError as error:
            typer.echo(f"nas-gym: {unwritten(error)}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            again = "every finished evaluation is kept, run the same command again to go on"
            typer.echo(f"nas-gym: interrupted; {again}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return wrapped


@contextmanager
def _notes_told() -> Iterator[None]:
    """Print what is said of data once each as a line of its own; other warnings stay as they are."""
    said: set[str] = set()
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, DataWarning):
                usual(message, category, filename, lineno, file, line)
            elif str(message) not in said:
                said.add(str(message))
                typer.echo(f"nas-gym: note: {in_flags(str(message))}", err=True)

        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = show
        yield


def encodable(*streams: Any) -> None:
    """Let streams print what their encoding lacks as escapes: a name must not end a command."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def told(run: Callable[[], int | None]) -> int:
    """Return the exit code of a command line; what its options refuse is one sentence, too.

    Args:
        run: parses and executes it, and returns an exit code, None for 0.
    """
    try:
        return run() or 0
    except typer.Abort:
        typer.echo("nas-gym: interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        # What refuses options has another type in every version of typer, but always this method.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        if message():  # empty where help was shown instead
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "nas-gym"
            typer.echo(f"nas-gym: {message().rstrip('.')}: see {path} --help", err=True)
        return BAD_INPUT
