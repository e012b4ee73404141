"""Of two kinds of network the better is chosen, in words that say by what; what failed is never chosen."""

from __future__ import annotations

import pytest

from nas_gym.estimators.comparison import Search, compared
from nas_gym.estimators.plan import Plan

CHOSEN = "perceptrons and convolutions were both searched: "


def search(kind, scores, parameters=100, error=None):
    """Return a finished search whose network has these scores by the seeds 0, 1, ..."""
    result = {
        "architecture": "a",
        "evaluations": [
            {"architecture": "a", "parameters": parameters, "error": error, "score": 0.5, "fidelity": None}
        ],
        "final": [
            {"seed": seed, "validation_score": score, "error": error} for seed, score in enumerate(scores)
        ],
    }
    return Search(Plan({}, "random", 1, 1, 0.0, 1.0, kind=kind), {}, result)


def words_of(*made, margin=0.0):
    return compared(*made, margin).words


def test_what_is_compared_are_further_trainings_by_some_of_which_each_was_chosen():
    words = words_of(search("perceptrons", (0.7, 0.8, 0.9)), search("convolutions", (0.5, 0.6, 0.7)))
    assert words == (
        f"{CHOSEN}the best perceptrons reach 0.800, the best convolutions 0.600 on validation examples, "
        "means of 3 further trainings; perceptrons were chosen"
    )


def test_seeds_that_one_of_them_lacks_do_not_count():
    found = compared(
        search("perceptrons", (0.7, 0.8, 0.9)), search("convolutions", (0.5, 0.6, 0.7, 0.1)), 0.0
    )
    assert found.trainings == 3
    assert [one.level for one in found.searches] == pytest.approx([0.8, 0.6])


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ((0.7, 0.7, 0.7), ", as good as the others and smaller"),
        ((0.69, 0.7, 0.7), ", the smaller network of two that are about as good"),
        ((0.71, 0.72, 0.7), ""),
    ],
)
def test_the_smaller_network_is_chosen_for_a_reason_that_is_said(scores, reason):
    words = words_of(search("perceptrons", scores, 10), search("convolutions", (0.7, 0.7, 0.7)), margin=0.01)
    assert words.endswith(f"perceptrons were chosen{reason}")


def test_of_equals_of_one_size_none_is_called_smaller():
    words = words_of(search("perceptrons", (0.7, 0.7)), search("convolutions", (0.7, 0.7)))
    assert words.endswith("perceptrons were chosen")


def test_a_kind_that_could_not_be_trained_is_left_out_even_where_it_ties():
    failed = search("perceptrons", (0.0, 0.0, 0.0), 10, error="diverged")
    found = compared(failed, search("convolutions", (0.0, 0.0, 0.0)), 0.0)
    assert [one.level for one in found.searches] == [0.0, None]
    assert found.words == (
        "convolutions and perceptrons were both searched: no perceptrons could be trained; convolutions were "
        "chosen, the best of which reach 0.000 on validation examples, the mean of 3 further trainings"
    )


def test_where_nothing_could_be_trained_that_is_said():
    both = [search(kind, (0.0, 0.0), error="diverged") for kind in ("perceptrons", "convolutions")]
    found = compared(*both, 0.0)
    assert found.searches[0].plan.kind == "convolutions"
    assert found.words == (
        "convolutions and perceptrons were both searched: neither could be trained; convolutions were taken"
    )
