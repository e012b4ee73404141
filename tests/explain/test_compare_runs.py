"""Two runs beside each other: what each found, where their policies part, and who was right."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.explain.compare_runs import compare
from nas_gym.traces import TabularPolicy
from tests.explain.drawing import draw_all
from tests.explain.policies import from_depth_three, of_noise, optimal, space_of
from tests.explain.policy_runs import asked, followed, learned


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    space = space_of()
    return {
        "best": followed(folder / "best", optimal(space, from_depth_three)),
        "noise": followed(folder / "noise", of_noise(space, 0)),
        "asked": asked(folder / "asked"),
    }


def test_the_better_policy_is_right_where_they_part(runs):
    explanation = compare(runs["best"], runs["noise"])
    found = explanation["policies"].numbers
    assert found["agree"] < 0.5
    assert found["partings_judged"] == found["partings"] > 0
    # The best policy can be equalled by another edit, never beaten.
    assert found["won"][0] > 0.9
    assert found["won"][1] == 0.0
    turned = compare(runs["noise"], runs["best"])["policies"].numbers
    assert turned["won"][1] > 0.9


def test_a_policy_agrees_with_itself(runs):
    explanation = compare(runs["best"], runs["best"])
    found = explanation["policies"].numbers
    assert found["agree"] == 1.0
    assert found["partings"] == 0
    assert "Both found the same network" in explanation["found"].answer[0]
    assert "(A)" in explanation.title


def test_where_they_part_is_told_in_words(tmp_path):
    """The same policy but at depth 4, where the second one always removes the first layer."""
    space = space_of()
    policy = optimal(space, from_depth_three)
    removes = [str(edit) for edit in space.actions].index("remove layer 1")
    table = {key: values.copy() for key, values in policy.table.items()}
    for one in space:
        if len(one.layers) == 4:
            table[str(one)][removes] = 100.0
    first = followed(tmp_path / "first", policy)
    second = followed(tmp_path / "second", TabularPolicy(space, table))
    found = compare(first, second)["policies"].numbers
    words, share = found["region"]
    assert "depth is 4 or more" in words
    assert share == pytest.approx(1.0)
    assert found["won"][0] > 0.9


def test_numbers_and_figures_of_a_comparison(runs):
    explanation = compare(runs["best"], runs["noise"])
    json.dumps(explanation.as_dict(), allow_nan=False)
    for section in explanation.all_sections:
        assert section.answer
        draw_all(section)
    chosen = explanation["found"].numbers
    assert chosen["difference"] == pytest.approx(chosen["accuracies"][0] - chosen["accuracies"][1])
    shares = explanation["tried"].numbers["choices"]
    depth = [one["shares"] for one in shares if one["choice"] == "depth"]
    assert np.sum(depth, axis=0) == pytest.approx([1.0, 1.0])


def test_agents_without_a_policy_are_compared_by_what_they_found(runs):
    explanation = compare(runs["asked"], runs["best"])
    assert explanation["policies"].withheld
    assert "no policy over edits of asker" in explanation["policies"].answer[0]
    assert not explanation["found"].withheld
    assert not explanation["tried"].withheld


def test_runs_of_different_spaces_give_one_sentence(runs, tmp_path):
    other = learned(tmp_path / "other", 5, space={"name": "mlp", "max_layers": 2})
    with pytest.raises(NASGymError, match="are of different search spaces") as error:
        compare(runs["best"], other)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_run_gives_one_sentence(runs, tmp_path):
    with pytest.raises(NASGymError, match="holds no run"):
        compare(runs["best"], tmp_path)


def test_comparing_is_a_function_of_the_seed(runs):
    first, again = (compare(runs["best"], runs["noise"], seed=3).as_dict() for _ in range(2))
    assert first == again
