"""The figures of a landscape against counting by hand, and against what is known of published ones."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.search_spaces import edits_to, local_optima, make_search_space, successors, unimproved
from nas_gym.tables import draw_landscape, import_table, sentences
from nas_gym.tables.landscape.analysis import describe, noise_of
from tests.helpers.data.shared_data import NASBENCH201, NASBENCH_MACRO, shared_file
from tests.helpers.data.tables import SMALL, fake_table

SPACE = make_search_space(SMALL, (1, 40), 10)
AFTER, _ = successors(SPACE)
NEIGHBOURS = [[SPACE.index(near) for near in SPACE.neighbours(architecture)] for architecture in SPACE]


def test_the_edits_are_those_of_the_space() -> None:
    for index, after in enumerate(AFTER):
        assert set(after.tolist()) - {index} == set(NEIGHBOURS[index])


def plateau_of(values: np.ndarray, start: int) -> set[int]:
    """The architectures of one value around one, found by walking."""
    seen, waiting = {start}, deque([start])
    while waiting:
        for near in NEIGHBOURS[waiting.popleft()]:
            if near not in seen and values[near] == values[start]:
                seen.add(near)
                waiting.append(near)
    return seen


@settings(max_examples=30, deadline=None, derandomize=True)
@given(levels=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_local_optima_are_the_plateaus_that_no_edit_leads_up_from(levels: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, levels, SPACE.size) / levels
    expected = set()
    for index in range(SPACE.size):
        plateau = plateau_of(values, index)
        if all(values[near] <= values[index] for member in plateau for near in NEIGHBOURS[member]):
            expected.add(frozenset(plateau))
    found = local_optima(values, AFTER)
    assert {frozenset(members.tolist()) for members in found} == expected
    tops = [values[members[0]] for members in found]
    assert all(one >= other for one, other in pairwise(tops))
    assert tops[0] == values.max()
    none_better = [max(values[near] for near in NEIGHBOURS[i]) <= values[i] for i in range(SPACE.size)]
    assert unimproved(values, AFTER).tolist() == none_better


def test_distances_count_edits() -> None:
    targets = np.array([3, 70])
    distances = {3: 0, 70: 0}
    waiting = deque([3, 70])
    while waiting:
        here = waiting.popleft()
        for near in NEIGHBOURS[here]:
            if near not in distances:
                distances[near] = distances[here] + 1
                waiting.append(near)
    assert edits_to(targets, AFTER).tolist() == [distances[index] for index in range(SPACE.size)]


def planted(noise: float, spread: float, seeds: int = 3, seed: int = 0):
    """A table whose architectures and trainings differ by so much."""
    rng = np.random.default_rng(seed)
    table = fake_table("mlp", counts=False, seeds=tuple(range(seeds)))
    skill = 0.5 + spread * rng.standard_normal((1, table.size, 1))
    values = np.clip(skill + noise * rng.standard_normal(table.validation.shape), 0, 1)
    return replace(table, validation=values)


def test_noise_and_spread_are_told_apart() -> None:
    noise = noise_of(planted(noise=0.03, spread=0.06))
    assert noise.deviation == pytest.approx(0.03, rel=0.03)
    assert noise.standard_error == pytest.approx(0.03 / 3**0.5, rel=0.03)
    assert noise.spread == pytest.approx(0.06, rel=0.03)
    # Of two measurements of one quantity each the correlation is spread^2 / (spread^2 + noise^2) = .8.
    assert noise.spearman == pytest.approx(0.8, abs=0.03)


def test_the_noise_of_few_seeds_counts_only_what_was_recorded() -> None:
    table = planted(noise=0.03, spread=0.06)
    values = table.validation.copy()
    values[-1, ::2, 2] = np.nan
    noise = noise_of(replace(table, validation=values))
    assert noise.deviation == pytest.approx(0.03, rel=0.04)
    assert noise.standard_error == pytest.approx(0.03 * ((1 / 2 + 1 / 3) / 2) ** 0.5, rel=0.04)
    assert noise_of(planted(0.03, 0.06, seeds=1)) is None
    assert noise_of(planted(0.03, 0.06, seeds=2)).spearman_top is None


@pytest.mark.parametrize(
    ("noise", "spread", "by_mean", "by_one"),
    [(0.005, 0.08, True, True), (0.03, 0.08, True, False), (0.06, 0.06, False, False)],
)
def test_a_landscape_is_fit_if_architectures_differ_beyond_the_noise(noise, spread, by_mean, by_one) -> None:
    found = noise_of(planted(noise, spread))
    assert (found.fit, found.fit_by_one_seed) == (by_mean, by_one)


def test_a_landscape_with_ties_at_the_top_is_not_fit() -> None:
    table = planted(0.005, 0.08)
    values = table.validation.copy()
    values[-1, :100] = 0.99
    assert not noise_of(replace(table, validation=values)).fit


def test_a_table_is_described_and_drawn(tmp_path) -> None:
    table = fake_table(failed=((3, 1),))
    landscape = describe(table)
    assert landscape.failed == 1
    assert landscape.best.tolist() == [table.mean_score().argmax()]
    assert [figures.epochs for figures in landscape.fidelities] == [1, 3, 9]
    assert landscape.fidelities[-1].spearman == pytest.approx(1.0)
    assert landscape.fidelities[-1].optima == len(landscape.optima)
    assert landscape.distances[landscape.best[0]] == 0
    draw_landscape(landscape, tmp_path / "folder" / "a.png")
    assert (tmp_path / "folder" / "a.png").read_bytes().startswith(b"\x89PNG")
    text = "\n".join(sentences(landscape))
    for part in (
        "84 architectures",
        "optimum: ",
        "local optima",
        "3 epochs (33.3%",
        "planted numbers",
        "failed: 1",
    ):
        assert part in text


@pytest.mark.parametrize("options", [{"unseeded": (1, 3, 9)}, {"fidelities": (4,)}, {"seeds": (0,)}])
def test_a_table_with_one_number_or_one_fidelity_is_described_too(tmp_path, options) -> None:
    landscape = describe(fake_table(**options, counts=False))
    draw_landscape(landscape, tmp_path / "a.png")
    assert not any(re.search(r"\b(nan|inf)\b", sentence) for sentence in sentences(landscape))


def test_a_flat_landscape_has_one_optimum_and_no_correlation() -> None:
    table = fake_table(counts=False)
    landscape = describe(replace(table, validation=np.full_like(table.validation, 0.5)))
    assert len(landscape.optima) == 1
    assert len(landscape.best) == table.size
    assert landscape.distance_correlation == 0.0
    assert not landscape.noise.fit


def test_some_of_many_fidelities_are_shown_the_last_among_them() -> None:
    shown = [figures.epochs for figures in describe(fake_table(fidelities=tuple(range(1, 31)))).fidelities]
    assert len(shown) <= 8
    assert (shown[0], shown[-1]) == (1, 30)


def test_the_landscape_of_the_published_cells_is_as_known(shelf) -> None:
    landscape = describe(import_table("nasbench201", shared_file(NASBENCH201))[0])
    short, full = landscape.fidelities
    assert (short.unimproved, full.unimproved, full.optima) == (21, 13, 13)
    assert short.optima == 17  # of the 21 some are on one plateau, or on one that leads up elsewhere
    assert short.spearman_test == pytest.approx(0.772, abs=5e-4)
    assert short.spearman_test_top == pytest.approx(0.504, abs=5e-4)
    assert full.spearman_test == pytest.approx(0.984, abs=5e-4)
    assert landscape.noise.median_deviation == pytest.approx(0.0021, abs=5e-5)
    assert landscape.noise.fit
    assert landscape.distances.max() == 6


def test_the_landscape_of_the_published_chains_has_twin_optima(shelf) -> None:
    landscape = describe(import_table("nasbench_macro", shared_file(NASBENCH_MACRO))[0])
    assert len(landscape.best) == 2
    assert landscape.noise.tied == pytest.approx(1 / 6561)
    assert any("TEST accuracy" in sentence for sentence in sentences(landscape))
