"""Which choices matter, against landscapes whose truth is known."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nas_agents import make_agent
from scipy.stats import f, kendalltau, ncx2

from benchmarks.quality.explanations import planted
from benchmarks.quality.explanations.planted import Landscape, additive
from nas_gym.explain import Importances, deletion, edited_choice, estimate, exact, read_evidence
from nas_gym.explain.methods.anova.components import components
from nas_gym.explain.methods.anova.encoding import (
    EncodedArchitectures,
    encode_architectures,
    reference,
    weights,
)
from nas_gym.explain.methods.anova.mixed_model import FIXED, fit
from nas_gym.explain.methods.anova.permutation import recursive_residuals, table_significance
from nas_gym.explain.methods.anova.squared_norm import squared_length
from nas_gym.explain.sections.choices.section import explain_choices
from nas_gym.explain.sections.choices.tables import is_motif
from nas_gym.search_spaces import make_search_space
from tests.helpers.explain.runs import recorded

SMALL = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "tanh"]}
PLANTED = additive(0, interaction=0.08)
BASE = encode_architectures(PLANTED.space, PLANTED.architectures)


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


@pytest.mark.parametrize("seed", range(3))
def test_the_order_on_a_noiseless_table_is_exact(seed: int) -> None:
    landscape = additive(seed)
    found = exact(BASE, landscape.table[:, None], permutations=19)
    true = sorted(landscape.importance, key=lambda name: -landscape.importance[name])
    assert [one.name for one in found.choices][:-1] == true[:-1]
    assert found.choices[-1].name == landscape.zero
    assert found.choices[0].low is None


def test_a_table_with_several_seeds_has_intervals_over_them() -> None:
    rng = np.random.default_rng(0)
    seeds = PLANTED.table[:, None] + 0.05 * rng.standard_normal((len(PLANTED.table), 3))
    seeds[::7, 2] = np.nan
    found = exact(BASE, seeds, permutations=99)
    assert found.rest == pytest.approx(0.05, rel=0.05)
    assert found.pairs[0].component.names == PLANTED.pair
    held = [one.low <= PLANTED.importance[one.name] <= one.high for one in found.choices]  # type: ignore[operator]
    assert sum(held) >= 8
    assert [one.name for one in found.choices if not one.significant()] == [PLANTED.zero]
    assert [one.component.names for one in found.pairs if one.significant()] == [PLANTED.pair]


def test_on_a_noiseless_table_all_that_matters_and_nothing_else_is_significant() -> None:
    found = exact(BASE, PLANTED.table[:, None], permutations=99)
    assert [one.p for one in found.choices if one.name != PLANTED.zero] == [0.01] * 8
    assert next(one.p for one in found.choices if one.name == PLANTED.zero) == 1.0
    assert [one.p for one in found.pairs] == [0.01] + [1.0] * (len(found.pairs) - 1)


def small_table() -> tuple[EncodedArchitectures, list[np.ndarray], list[int], list[bool]]:
    """84 perceptrons, and the components of their scores."""
    space = make_search_space(SMALL, (1, 40), 10)
    base = encode_architectures(space, space)
    parts = components(base)
    features = [part.features(base) for part in parts]
    orders, across = [len(part.columns) for part in parts], [part.is_depth for part in parts]
    return base, features, orders, across


def test_chance_alone_is_seldom_significant_on_a_table() -> None:
    """Of tables of noise about one in twenty has a choice, or a pair, that is significant at 5%."""
    base, features, orders, across = small_table()
    rng = np.random.default_rng(0)
    some = np.zeros((120, 2))
    for number in range(len(some)):
        y = rng.standard_normal(len(base))
        tests = table_significance(features, orders, across, y, base.depth, 39, number)
        for order in (1, 2):
            p = [test.p for test, own in zip(tests, orders, strict=True) if own == order]
            some[number, order - 1] = min(p) <= 0.05
    assert (some.mean(axis=0) <= 0.11).all()
    assert some.mean() > 0.0


def test_the_evidence_of_a_table_is_that_of_partial_f_tests() -> None:
    """By two least-squares fits, with a component and without."""
    base, features, orders, across = small_table()
    y = np.random.default_rng(1).standard_normal(len(base))
    tests = table_significance(features, orders, across, y, base.depth, permutations=5)
    ones = np.ones((len(y), 1))

    def errors(without: int) -> tuple[float, int]:
        design = np.hstack([ones, *(each for other, each in enumerate(features) if other != without)])
        solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
        return float(((y - design @ solution) ** 2).sum()), int(rank)

    least, rank = errors(-1)
    for number, test in enumerate(tests):
        more, lower = errors(number)
        degrees = (rank - lower, len(y) - rank)
        chance = f.sf((more - least) / degrees[0] / (least / degrees[1]), *degrees)
        assert np.exp(-test.evidence) == pytest.approx(chance, rel=1e-6)


def noise(seed: int, count: int) -> Importances:
    """Importances from some architectures whose scores are noise alone."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(BASE), count, replace=False))
    return estimate(BASE, BASE.rows(rows), rng.standard_normal(count), 99, seed, with_pairs=False)


def test_of_few_evaluations_of_noise_no_choice_is_shown() -> None:
    """With an error for each effect of other choices, too, a quarter of these had a p of at most .05."""
    least = [min(one.p or 1.0 for one in noise(seed, 40).choices) for seed in range(40)]
    assert np.mean([p <= 0.05 for p in least]) <= 0.1
    assert np.quantile(least, 0.5) > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["random", "evolution", "q-learning"])
@pytest.mark.parametrize("count", [40, 84, 250])
def test_agents_that_follow_the_noise_find_no_choice_in_it(
    agent: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most one run in twenty may: of 60, 7 and more are so by chance in 3% of cases."""
    monkeypatch.syspath_prepend(str(Path(planted.__file__).parent))
    found = import_module("choices").of_noise(agent, count, 60)
    print(f"\n{agent}, {count} evaluations: {found}", end="")
    assert max(found.values()) <= 6 / 60


def test_errors_of_prediction_are_those_of_least_squares_on_the_rows_before() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(12), rng.standard_normal((12, 2)), np.arange(12) >= 6])
    y = rng.standard_normal((12, 2))
    errors, rows = recursive_residuals(x, y)
    # The first row of each new direction settles it, and has no error.
    assert rows.tolist() == [3, 4, 5, 7, 8, 9, 10, 11]
    for error, row in zip(errors, rows, strict=True):
        before, own = x[:row], x[row]
        effects = np.linalg.lstsq(before, y[:row], rcond=None)[0]
        spread = 1 + own @ np.linalg.pinv(before.T @ before) @ own
        assert error == pytest.approx((y[row] - own @ effects) / np.sqrt(spread))
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert errors.T @ errors == pytest.approx(residual.T @ residual)


def test_an_interaction_that_others_explain_as_well_is_not_told_as_certain() -> None:
    """At depth 2 the activation that helps from depth 3 on was met with one width alone."""
    codes = BASE.codes
    second, width = BASE.names.index("layer 2 activation"), BASE.names.index("layer 2 width")
    at_two = BASE.depth == 1
    alone = at_two & ((codes[:, second] == PLANTED.helps) == (codes[:, width] == 1))
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [
            np.flatnonzero(BASE.depth == 0),
            np.flatnonzero(alone),
            rng.choice(np.flatnonzero(BASE.depth > 1), 150, replace=False),
        ]
    )
    y = PLANTED.noisy(rng)[rows]
    found = estimate(BASE, BASE.rows(rows), y, permutations=19)
    pairs = {" x ".join(PLANTED.pair), "depth x layer 2 width"}
    assert {found.pairs[0].name, *found.pairs[0].rivals} >= pairs
    both = np.concatenate([rows, np.flatnonzero(at_two & ~alone)])
    found = estimate(BASE, BASE.rows(both), PLANTED.noisy(rng)[both], permutations=19)
    assert found.pairs[0].component.names == PLANTED.pair
    assert not found.pairs[0].rivals


def test_what_was_never_evaluated_together_is_named() -> None:
    second = BASE.names.index("layer 2 activation")
    never = (BASE.depth == 1) & (BASE.codes[:, second] == 0)
    rng = np.random.default_rng(0)
    rows = rng.choice(np.flatnonzero(~never), 200, replace=False)
    rows = np.union1d(rows, np.flatnonzero((BASE.depth < 2) & ~never))
    found = estimate(BASE, BASE.rows(rows), PLANTED.noisy(rng)[rows], permutations=19)
    assert found.untried == (("2", "layer 2 activation", "relu"),)


def test_a_run_of_q_learning_finds_the_order_the_interaction_and_what_is_irrelevant() -> None:
    agent = make_agent({"name": "q-learning", "outputs": "actions"})
    result = agent.search(PLANTED.environment(seed=1), 200, 1)
    rows = [PLANTED.space.index(PLANTED.space.parse(each.architecture)) for each in result.evaluations]
    y = np.array([each.score for each in result.evaluations])
    found = estimate(BASE, BASE.rows(np.array(rows)), y, permutations=199)
    values = [one.value for one in found.choices]
    assert kendalltau(values, [PLANTED.importance[one.name] for one in found.choices]).statistic >= 0.8
    assert found.pairs[0].component.names == PLANTED.pair
    assert found.pairs[0].significant()
    assert not next(one for one in found.choices if one.name == PLANTED.zero).significant()
    widened = [one for one in found.choices if one.why]
    assert all("never evaluated at depth" in one.why for one in widened)


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
    encoded = encode_architectures(space, reference(space, per_depth=20))
    assert set(encoded.depth) == set(range(12))
    assert (encoded.codes[encoded.depth == 0, encoded.names.index("layer 2 operation")] == -1).all()


def test_pairs_of_connected_edges_are_motifs() -> None:
    space = make_search_space("cell", (1, 16), 4)
    rows = encode_architectures(space, [space.architecture(index) for index in range(0, space.size, 97)])
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
    assert ("Never evaluated together" in " ".join(section.answer)) == bool(numbers["untried"])
    assert {table.name for table in section.tables} == {"choices", "values", "pairs"}
    for table in section.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_too_few_evaluations_are_said_to_be_too_few(tmp_path: Path) -> None:
    section = explain_choices(read_evidence(recorded(tmp_path / "run", budget=10)))
    assert section.withheld
    assert "Not enough evaluations to say: 10" in section.answer[0]
