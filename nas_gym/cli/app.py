"""The command line ``nas-gym``: its commands, one file each."""

from __future__ import annotations

import sys

import typer

from nas_gym.cli.commands.benchmark import benchmark_app
from nas_gym.cli.commands.compare import COMPARE_EXAMPLE, compare
from nas_gym.cli.commands.explain import EXPLAIN_EXAMPLE, ExplainCommand, explain
from nas_gym.cli.commands.export import EXPORT_EXAMPLE, export
from nas_gym.cli.commands.fit import FIT_EXAMPLE, fit
from nas_gym.cli.commands.list import LIST_EXAMPLE, list_parts
from nas_gym.cli.commands.predict import PREDICT_EXAMPLE, predict
from nas_gym.cli.commands.pretrain import PRETRAIN_EXAMPLE, pretrain
from nas_gym.cli.commands.rank import RANK_EXAMPLE, rank
from nas_gym.cli.commands.record import RECORD_EXAMPLE, record
from nas_gym.cli.commands.replay import REPLAY_EXAMPLE, replay
from nas_gym.cli.commands.search import SEARCH_EXAMPLE, search
from nas_gym.cli.commands.store import store_app
from nas_gym.cli.commands.transfer import TRANSFER_EXAMPLE, transfer
from nas_gym.cli.errors import encodable, told

app = typer.Typer(
    name="nas-gym",
    help="Neural architecture search as a Gymnasium environment: search, compare agents, replay, use tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(benchmark_app)
app.add_typer(store_app)
app.command("explain", epilog=EXPLAIN_EXAMPLE, cls=ExplainCommand)(explain)
app.command("fit", epilog=FIT_EXAMPLE)(fit)
app.command("search", epilog=SEARCH_EXAMPLE)(search)
app.command("compare", epilog=COMPARE_EXAMPLE)(compare)
app.command("predict", epilog=PREDICT_EXAMPLE)(predict)
app.command("export", epilog=EXPORT_EXAMPLE)(export)
app.command("record", epilog=RECORD_EXAMPLE)(record)
app.command("pretrain", epilog=PRETRAIN_EXAMPLE)(pretrain)
app.command("rank", epilog=RANK_EXAMPLE)(rank)
app.command("transfer", epilog=TRANSFER_EXAMPLE)(transfer)
app.command("replay", epilog=REPLAY_EXAMPLE)(replay)
app.command("list", epilog=LIST_EXAMPLE)(list_parts)


def main() -> None:
    """Run the command line; parts of one's own ("module:Class") are found in the current folder."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    encodable(sys.stdout, sys.stderr)
    sys.exit(told(lambda: app(standalone_mode=False)))
