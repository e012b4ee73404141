"""Which choices matter, against landscapes whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nas_agents import make_agent
from scipy.stats import kendalltau, ncx2

from nas_gym.explain.choices import Importances, estimate, exact
from nas_gym.explain.coding import code, reference, weights
from nas_gym.explain.components import components
from nas_gym.explain.deletion import deletion, edited_choice
from nas_gym.explain.evidence import read_evidence
from nas_gym.explain.importance import explain_choices
from nas_gym.explain.importance_tables import is_motif
from nas_gym.explain.mixed_model import FIXED, fit
from nas_gym.explain.squared_length import squared_length
from nas_gym.search_spaces import make_search_space
from tests.explain.planted import Landscape, additive
from tests.explain.runs import recorded

PLANTED = additive(0, interaction=0.08)
BASE = code(PLANTED.space, PLANTED.architectures)


def sampled(seed: int, landscape: Landscape = PLANTED, each: int = 64) -> Importances:
    """Importances from a sample of every depth with noise .01."""
    rng = np.random.default_rng(seed)
    depths = [np.flatnonzero(BASE.depth == depth) for depth in range(4)]
    rows = np.concatenate([rng.choice(group, min(each, len(group)), replace=False) for group in depths])
    return estimate(BASE, BASE.rows(rows), landscape.noisy(rng)[rows], permutations=199, seed=seed)


def test_components_of_a_table_have_the_variances_of_their_definition() -> None:
    for part in components(BASE):
        theta = part.features(BASE).T @ (weights(BASE, part.cells(BASE) >= 0) * PLANTED.table)
        names = part.names
        truth = PLANTED.importance[names[0]] if len(names) == 1 else PLANTED.interactions[names]  # type: ignore[index]
        assert theta @ theta == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_on_a_noiseless_table_is_exact(seed: int) -> None:
    landscape = additive(seed)
    found = exact(BASE, landscape.table[:, None])
    true = sorted(landscape.importance, key=lambda name: -landscape.importance[name])
    assert [one.name for one in found.choices][:-1] == true[:-1]
    assert found.choices[-1].name == landscape.zero
    assert found.choices[0].low is None


def test_a_table_with_several_seeds_has_intervals_over_them() -> None:
    rng = np.random.default_rng(0)
    seeds = PLANTED.table[:, None] + 0.05 * rng.standard_normal((len(PLANTED.table), 3))
    seeds[::7, 2] = np.nan
    found = exact(BASE, seeds)
    assert found.rest == pytest.approx(0.05, rel=0.05)
    assert found.pairs[0].component.names == PLANTED.pair
    held = [one.low <= PLANTED.importance[one.name] <= one.high for one in found.choices]  # type: ignore[operator]
    assert sum(held) >= 8


def test_a_run_of_q_learning_finds_the_order_the_interaction_and_what_is_irrelevant() -> None:
    result = make_agent("q-learning").search(PLANTED.environment(seed=1), 200, 1)
    rows = [PLANTED.space.index(PLANTED.space.parse(each.architecture)) for each in result.evaluations]
    y = np.array([each.accuracy for each in result.evaluations])
    found = estimate(BASE, BASE.rows(np.array(rows)), y, permutations=199)
    values = [one.value for one in found.choices]
    assert kendalltau(values, [PLANTED.importance[one.name] for one in found.choices]).statistic >= 0.8
    assert found.pairs[0].component.names == PLANTED.pair
    assert found.pairs[0].significant()
    assert not next(one for one in found.choices if one.name == PLANTED.zero).significant()
    widened = [one for one in found.choices if one.why]
    assert all("never met at depth" in one.why for one in widened)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    found = [one for seed in range(6) for one in sampled(seed).choices]
    held = [one.low <= PLANTED.importance[one.name] <= one.high for one in found]  # type: ignore[operator]
    assert 0.88 <= np.mean(held) <= 1.0


def test_a_value_that_was_never_evaluated_is_not_guessed_at() -> None:
    rows = np.flatnonzero((BASE.depth == 3) & (BASE.codes[:, 1] == 0))[:300]
    found = estimate(BASE, BASE.rows(rows), PLANTED.table[rows] + 0.01 * np.sin(rows), permutations=19)
    width = next(one for one in found.choices if one.name == "layer 1 width")
    assert width.value is None
    assert "64 was never evaluated" in width.why


@pytest.mark.parametrize("length", [0.0, 0.5, 2.0, 6.0])
def test_intervals_of_a_squared_length_cover_it(length: float) -> None:
    rng = np.random.default_rng(1)
    theta = length * np.array([0.6, 0.8, 0.0])
    held = values = 0.0
    for _ in range(300):
        found = squared_length(theta + rng.standard_normal(3), np.eye(3), np.inf)
        held += found.low <= length**2 <= found.high
        values += found.value
    assert 0.91 <= held / 300 <= 0.995
    assert values / 300 == pytest.approx(length**2, abs=0.15 + 0.25 * length)


def test_an_interval_of_a_squared_length_inverts_the_noncentral_chi_square() -> None:
    found = squared_length(np.array([3.0, 0.0]), np.eye(2), np.inf)
    assert ncx2.sf(9.0, 2, found.low) == pytest.approx(0.025, abs=0.006)
    assert ncx2.cdf(9.0, 2, found.high) == pytest.approx(0.025, abs=0.006)


def test_without_random_effects_the_mixed_model_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 3))
    y = z @ [0.3, -0.2, 0.0] + 0.1 * rng.standard_normal(60)
    model = fit(y, z, np.full(3, FIXED), np.zeros((60, 60)))
    found = model.estimate(np.arange(3))
    assert found is not None
    design = np.column_stack([np.ones(60), z])
    solution, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert found[0] == pytest.approx(solution[1:], abs=2e-3)
    assert model.noise == pytest.approx(squares[0] / 56, rel=0.02)


def test_a_large_space_is_sampled_at_every_depth() -> None:
    space = make_search_space({"name": "conv", "max_layers": 12}, (1, 16), 4)
    coded = code(space, reference(space, per_depth=20))
    assert set(coded.depth) == set(range(12))
    assert (coded.codes[coded.depth == 0, coded.names.index("layer 2 operation")] == -1).all()


def test_pairs_of_connected_edges_are_motifs() -> None:
    space = make_search_space("cell", (1, 16), 4)
    rows = code(space, [space.architecture(index) for index in range(0, space.size, 97)])
    y = 0.5 + 0.1 * (rows.codes[:, 0] == 3) * (rows.codes[:, 2] == 3) + 0.002 * np.sin(np.arange(len(rows)))
    found = estimate(rows, rows, y, permutations=19)
    assert found.pairs[0].component.names == ("edge 0-1", "edge 1-2")
    assert is_motif(found.pairs[0])
    assert not any(is_motif(one) for one in found.pairs if one.component.names == ("edge 0-1", "edge 0-2"))


def test_the_deletion_test_compares_with_all_other_sets() -> None:
    drops = {"a": [4.0, 2.0], "b": [3.0], "c": [0.0], "d": [1.0, 1.0]}
    test = deletion(["a", "b", "c", "d"], drops, most=2)
    assert test is not None
    assert test.named == ("a", "b")
    assert test.drop == 3.0
    assert test.others == pytest.approx(np.mean([6 / 3, 8 / 4, 3 / 2, 5 / 3, 2 / 3]))
    assert (test.sets, test.below, test.passed) == (5, 1.0, True)
    assert deletion(["a"], {"a": [1.0]}) is None


def test_an_edit_that_moves_other_layers_is_of_no_single_choice() -> None:
    space = PLANTED.space
    two = space.parse("relu-16 > tanh-64")
    assert edited_choice(space, two, space.parse("relu-16")) == "depth"
    assert edited_choice(space, two, space.parse("tanh-64")) == ""
    assert edited_choice(space, two, space.parse("relu-16 > tanh-16")) == "layer 2 width"


def test_the_section_of_a_run_says_what_matters_and_is_json(tmp_path: Path) -> None:
    section = explain_choices(read_evidence(recorded(tmp_path / "run", budget=60)), permutations=99)
    numbers: Any = json.loads(json.dumps(section.numbers, allow_nan=False))
    assert not section.withheld
    assert "What matters most is" in section.answer[0]
    assert numbers["evaluations"] == 60
    assert {"named", "drop", "drop_of_other_sets"} <= set(numbers["deletion"])
    assert {table.name for table in section.tables} == {"choices", "values", "pairs"}
    for table in section.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_too_few_evaluations_are_said_to_be_too_few(tmp_path: Path) -> None:
    section = explain_choices(read_evidence(recorded(tmp_path / "run", budget=10)))
    assert section.withheld
    assert "Not enough evaluations to say: 10" in section.answer[0]
