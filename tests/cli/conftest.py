"""The command line in this process."""

import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs the command line in an empty folder, with results in its memory only."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke
