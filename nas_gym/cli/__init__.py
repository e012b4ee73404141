"""The command line: one file a command."""

from nas_gym.cli.app import main

__all__ = ["main"]
