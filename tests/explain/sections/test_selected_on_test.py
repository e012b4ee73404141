"""Where a search selects on test accuracy, its report and the terminal say so and show the number once."""

import re

import numpy as np
import pytest
from nas_agents.runs.run import RunSpec, run

from nas_gym.cli.commands.search import search_and_show
from nas_gym.explain import explain
from nas_gym.explain.report.page import page_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import Table, write_table
from nas_gym.tables.catalogue import FOLDER
from tests.helpers.explain.runs import SPACE


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of tables: one whose accuracies are test accuracies, and one that has both."""
    folder = tmp_path_factory.mktemp("tables")
    space = make_search_space(SPACE, (4,), 3)
    rng = np.random.default_rng(0)
    validation, test = (
        np.clip(
            np.array([0.6 + 0.05 * len(each.layers) for each in space])[:, None]
            + rng.normal(0, 0.01, (space.size, 3)),
            0,
            1,
        )
        for _ in range(2)
    )
    for name, selects in (("published", True), ("both", False)):
        table = Table(
            benchmark=name,
            task="leaves",
            search_space=space,
            fidelities=(9,),
            seeds={9: (0, 1, 2)},
            resumable=False,
            validation=validation[None],
            test=validation if selects else test,
            failed=np.zeros((space.size, 3), dtype=bool),
            seconds=np.ones(space.size),
            parameters=np.ones(space.size, dtype=np.int64),
            flops=np.ones(space.size, dtype=np.int64),
            selects_on_test=selects,
        )
        write_table(table, folder / f"{name}-leaves.npz")
    return folder


@pytest.fixture
def searched(shelf, monkeypatch, tmp_path):
    """The run of a search on a table of the shelf."""
    monkeypatch.setenv(FOLDER, str(shelf))

    def search(name):
        evaluator = {"name": "table", "benchmark": name}
        folder = tmp_path / name
        result = run(RunSpec("random", 12, str(folder), 0, "NAS-v0", {"evaluator": evaluator}))
        return folder, result

    return search


def test_the_report_says_that_the_search_selected_on_it_and_shows_one_number(searched):
    folder, result = searched("published")
    explanation = explain(folder, write=False)
    text = " ".join(sentence for each in explanation.all_sections for sentence in each.answer)
    (told,) = [each for each in explanation.summary.answer if each.startswith("**No number to quote.**")]
    assert "the search chose by them, because no validation scores were published" in told
    assert "optimistic" in told
    assert "Nothing here is independent of the search" in explanation.summary.trust
    assert "nothing was chosen by" not in text
    assert "validation accuracy of" not in text
    tiles = {name: value for name, value, _ in page_of(explanation).tiles}
    assert tiles["test accuracy"] == f"{result['test_score']:.1%}"
    assert not any(name.startswith("validation accuracy") for name in explanation.facts)


def test_a_table_with_both_shows_both(searched):
    folder, result = searched("both")
    explanation = explain(folder, write=False)
    (told,) = [each for each in explanation.summary.answer if each.startswith("**The number to quote:**")]
    assert f"it is right for {result['test_score']:.1%} of test examples" in told
    tiles = {name: value for name, value, _ in page_of(explanation).tiles}
    assert tiles["test accuracy"] == f"{result['test_score']:.1%}"


@pytest.mark.parametrize(("name", "columns"), [("published", 1), ("both", 2)])
def test_the_terminal_shows_it_once(searched, shelf, tmp_path, capsys, name, columns):
    env = {"evaluator": {"name": "table", "benchmark": name}}
    search_and_show("random", 6, 0, "NAS-v0", env, tmp_path / "logs", None)
    printed = " ".join(capsys.readouterr().out.split())
    found = re.findall(r"(?:validation|test) accuracy \d\.\d+", printed)
    assert len(found) == columns
    assert ("the search selected on it" in printed) is (columns == 1)
