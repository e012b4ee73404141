"""What users type after options, as values."""

import pytest

from nas_gym.cli import options as cli_options
from nas_gym.errors import NASGymError


@pytest.mark.parametrize(
    ("text", "budget"),
    [("40", 40), ("30s", {"seconds": 30.0}), ("1.5m", {"seconds": 90.0}), ("2h", {"seconds": 7200.0})],
)
def test_budgets_are_evaluations_or_times(text, budget):
    assert cli_options.budget_of(text) == budget


def test_settings_are_json_where_they_can_be_and_texts_otherwise():
    values = cli_options.hyperparameters_of(["alpha=0.1", "replay=true", "improvement=first", "a=b=c"])
    assert values == {"alpha": 0.1, "replay": True, "improvement": "first", "a": "b=c"}
    with pytest.raises(NASGymError, match="twice"):
        cli_options.hyperparameters_of(["alpha=1", "alpha=2"])


def test_agents_are_names_with_commas_or_a_json_list():
    assert cli_options.agents_of("random, tpe") == ["random", "tpe"]
    assert cli_options.agents_of('["random", {"name": "q-learning", "alpha": 0.2}]')[1]["alpha"] == 0.2


def test_the_recorded_command_hides_passwords():
    shown = cli_options.command_line(
        ["x", "compare", "--store", "postgresql://me:s3cret@host/db", "--set", "a=b c"]
    )
    assert shown == "nas-gym compare --store postgresql://me:***@host/db --set 'a=b c'"
