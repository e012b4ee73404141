"""How the found network is used: what is said can be done, and the planted mistakes are found."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import nas_gym
from nas_gym.cli.app import app
from nas_gym.explain import Settings, read_evidence
from nas_gym.explain.evidence.network import TrainedNetwork
from nas_gym.explain.sections.usage.columns import column_table
from nas_gym.explain.sections.usage.section import USAGE
from nas_gym.explain.sections.usage.wrong import WORST, most_wrong
from nas_gym.tasks import Task

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
QUICK = {"budget": 2, "minutes": 10, "agent": "random", "recipe": {"epochs": 5}, "report": False}


def table(path, values):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    kind = x[:, 0] * 2 + 7 if values else np.where(x[:, 0] > 0, "rose", "iris")
    rows = [f"{a:.4f},{b:.4f},{c:.4f},{one}" for (a, b, c), one in zip(x.tolist(), kind, strict=True)]
    path.write_text("\n".join(["length,width,age,kind", *rows]) + "\n")
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["classes", "values"])
def found(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    file = table(folder / "flowers.csv", request.param)
    nas_gym.fit(file, "kind", folder=folder / "run", store="memory", **QUICK)
    return file, USAGE(read_evidence(folder / "run"), Settings())


def commands(section):
    return [part for answer in section.answer for part in answer.split("`")[1::2]]


def test_the_commands_of_the_section_do_what_it_says(found, tmp_path):
    file, section = found
    predict, load, export = commands(section)
    out = tmp_path / "answers.csv"
    done = CliRunner().invoke(app, [*shlex.split(predict.replace("FILE", str(file)))[1:], "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert len(out.read_text().splitlines()) == 121
    answers = eval(load.replace("FILE", repr(str(file))), {"nas_gym": nas_gym})
    assert len(answers) == 120
    # The path of plain code needs no package beside the project's own.
    python = [*shlex.split(export.replace("onnx", "python"))[1:], "--out", str(tmp_path / "plain")]
    done = CliRunner().invoke(app, python)
    assert done.exit_code == 0, done.output


def test_the_costs_are_those_of_the_file_that_is_named(found):
    _, section = found
    file = shlex.split(commands(section)[0])[2]
    saved = nas_gym.load_network(file)
    assert section.numbers["parameters"] == saved.module.network.parameters
    assert section.numbers["flops"] == saved.module.network.flops
    assert f"{saved.module.network.parameters:,} parameters" in section.answer[1]
    assert section.numbers["bytes"] == Path(file).stat().st_size
    assert "1,000 in" in section.answer[1]


def planted(y, outputs, **options):
    """A network that gives these outputs for the validation examples of a task, whatever they are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(y), 2))
    task = Task.from_arrays(x, y, name="planted", **options)
    rows = len(task.x_validation)

    class Fixed(torch.nn.Module):
        def forward(self, x):
            return torch.as_tensor(outputs(task)[:rows])

    return TrainedNetwork(None, Fixed().eval(), task, "")  # type: ignore[arg-type]


def test_of_classes_the_surest_mistakes_come_first():
    y = np.tile(["a", "b", "c"], 40)

    def outputs(task):
        found = np.eye(3)[task.y_validation] * 9.0
        for row, sure in ((4, 6.0), (2, 3.0), (7, 8.0)):
            found[row] = np.roll(np.eye(3)[task.y_validation[row]], 1) * sure
        return found

    trained = planted(y, outputs)
    wrong = most_wrong(trained)
    task = trained.task
    called = [task.origins.name(number) for number in (7, 4, 2)]
    assert wrong.table.columns[0] == "row"
    assert [row[0] for row in wrong.table.rows] == called
    for row, number in zip(wrong.table.rows, (7, 4, 2), strict=True):
        assert row[1] == task.target.names[task.y_validation[number]]
        assert row[2] != row[1]
        raw = task.x_validation[number] * task.scale + task.mean
        assert row[4:] == pytest.approx(raw.ravel()[: len(row) - 4], rel=1e-3)
    assert "wrong on 3 of" in wrong.words
    assert f"most on row {called[0]}: it says" in wrong.words


def test_of_several_labels_the_surest_wrong_answers_come_first():
    rng = np.random.default_rng(2)
    y = (rng.random(size=(120, 3)) < 0.5).astype(int)

    def outputs(task):
        found = np.where(task.y_validation > 0, 5.0, -5.0)
        found[6, 1] *= -1.5
        found[3, 0] *= -0.5
        found[3, 2] *= -0.4
        return found

    trained = planted(y, outputs, target_kind="labels", target_names=["red", "round", "big"])
    wrong, task = most_wrong(trained), trained.task
    assert wrong.table.columns[:6] == (
        "row",
        "has",
        "not found",
        "given wrongly",
        "most wrong on",
        "its probability",
    )
    surest, other = wrong.table.rows
    assert (surest[0], other[0]) == (task.origins.name(6), task.origins.name(3))
    lost = task.y_validation[6, 1] > 0
    assert (surest[2], surest[3]) == (("round", "") if lost else ("", "round"))
    assert (surest[4], other[4]) == ("round", "red")
    assert surest[5] == pytest.approx(1 / (1 + np.exp(7.5 if lost else -7.5)), rel=1e-3)
    assert "wrong on some label of 2 of" in wrong.words
    assert f"most on row {surest[0]}: it gives round a probability of" in wrong.words


def test_a_network_without_mistakes_is_wrong_on_none():
    wrong = most_wrong(planted(np.tile(["a", "b"], 40), lambda task: np.eye(2)[task.y_validation] * 9.0))
    assert wrong.table is None
    assert "wrong on none" in wrong.words


def test_of_values_the_largest_errors_come_first_in_the_units_of_the_data():
    rng = np.random.default_rng(1)
    y = 100 + 20 * rng.normal(size=160)

    def outputs(task):
        found = task.y_validation.astype(np.float64).copy()
        found[5] += 3.0
        found[1] -= 2.0
        return found

    trained = planted(y, outputs)
    rows = most_wrong(trained).table.rows
    assert len(rows) == WORST
    assert [row[0] for row in rows[:2]] == [trained.task.origins.name(number) for number in (5, 1)]
    truth = trained.task.target.answers(trained.task.y_validation.astype(np.float64))
    assert rows[0][1] == pytest.approx(float(truth[5, 0]), rel=1e-3)
    assert rows[0][3] > 0 > rows[1][3]


def test_a_run_that_kept_no_network_has_none_to_use(tmp_path):
    import gymnasium as gym
    from nas_agents import make_agent

    from nas_gym.traces import Trace

    env = Trace(gym.make("NASTable-MLP-v0"), tmp_path / "run", agent="random")
    env.finish(make_agent("random").search(env, 5, 0).as_dict())
    section = USAGE(read_evidence(tmp_path / "run"), Settings())
    assert section.withheld
    assert not section.is_applicable


def test_what_is_done_to_each_column_is_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(np.arange(90) % 9, rng.normal(size=90), np.nan),
            "price": [f"{n},5" for n in range(90)],
            "town": [None if n % 15 == 4 else f"at {'abcdefg'[n % 7]}" for n in range(90)],
            "sold": [f"2024-{1 + n % 12:02d}-{1 + n % 28:02d}" for n in range(90)],
            "new": [bool(n % 2) for n in range(90)],
        }
    )
    task = Task.from_arrays(frame, np.arange(90) % 2)
    table = column_table(task.encoder)
    assert table.columns == ("column", "read as", "features", "a missing cell")
    filled = np.median(task.encoder.columns[0].fill)
    assert table.rows == (
        ("size", "a number", 2, f"becomes {filled:.4g}, and is flagged"),
        ("price", "a number with a decimal comma", 1, "is refused"),
        ("town", "7 categories: at a, at b, at c, at d, at e and 2 more", 8, "one more category"),
        ("sold", "a date: month, day, weekday", 3, "is refused"),
        ("new", "true or false, as 1 and 0", 1, "is refused"),
    )


def test_a_report_on_a_table_lists_its_columns(found):
    _, section = found
    (columns,) = [one for one in section.tables if one.name == "columns"]
    assert [row[:3] for row in columns.rows] == [(name, "a number", 1) for name in ("length", "width", "age")]
