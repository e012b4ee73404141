"""Which edits help, wherever the agent was when it made them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.quality.explanations.planted import (
    Landscape,
    additive,
    hill_climb,
    step_changes,
    true_effects,
)
from nas_gym.explain import read_evidence
from nas_gym.explain.methods.anova.edit_effects import Effect, estimate_effects
from nas_gym.explain.methods.anova.edit_kinds import edits_between
from nas_gym.explain.sections.edits.section import explain_edits
from nas_gym.search_spaces import make_search_space
from tests.helpers.explain.runs import recorded


def climbed(landscape: Landscape, seed: int, noise: float) -> tuple[list[Effect], dict[object, list[float]]]:
    """Effects from a search that stays where its luck was best, and the changes that it met."""
    visited, y, steps = hill_climb(landscape, 160, seed, noise)
    effects = estimate_effects(landscape.space, visited, y, steps, seed=seed).effects
    return list(effects), step_changes(landscape, visited, y, steps)


def test_effects_are_recovered_where_the_changes_that_the_agent_met_mislead() -> None:
    landscape = additive(3, largest=0.02)
    effects, met = climbed(landscape, 3, 0.02)
    truth = true_effects(landscape, {one.kind for one in effects})
    known = [one for one in effects if one.kind in truth and one.change is not None]
    assert len(known) > 15
    held = [one.change.low <= truth[one.kind] <= one.change.high for one in known if one.change]
    assert np.mean(held) >= 0.95
    naive = []
    for kind, changes in met.items():
        if kind in truth and len(changes) >= 5:
            reach = 2.0 * np.std(changes, ddof=1) / np.sqrt(len(changes))
            naive.append(abs(np.mean(changes) - truth[kind]) <= reach)
    assert np.mean(naive) < 0.8


def test_noise_without_effects_gives_intervals_that_hold_zero() -> None:
    effects, met = climbed(additive(0, largest=0.0), 0, 0.03)
    known = [one.change for one in effects if one.change is not None]
    assert len(known) > 20
    assert all(change.low <= 0.0 <= change.high for change in known)
    everything = np.concatenate([np.array(changes) for kind, changes in met.items() if not kind.opposite])  # type: ignore[attr-defined]
    # Every edit looks bad from where the luck was good.
    assert everything.mean() < -3.0 * everything.std() / np.sqrt(len(everything))


def test_opposite_edits_are_one_kind_with_opposite_signs() -> None:
    space = make_search_space("mlp", (4,), 2)
    one, other = space.parse("relu-16"), space.parse("tanh-16")
    edits, _ = edits_between(space, {one: 0, other: 1}, inside=True)
    named = {edits.kinds[kind].words: [] for kind in edits.kind}  # type: ignore[var-annotated]
    for before, kind, sign in zip(edits.before, edits.kind, edits.sign, strict=True):
        named[edits.kinds[kind].words].append((before, sign))
    assert {words: sorted(found) for words, found in named.items()} == {
        "swap layer 1 activation from relu to tanh": [(0, 1.0), (1, -1.0)],
        "swap activation, anywhere, from relu to tanh": [(0, 1.0), (1, -1.0)],
    }


def test_layers_are_added_and_removed_in_the_words_of_the_space() -> None:
    space = make_search_space("mlp", (4,), 2)
    edits, _ = edits_between(space, {space.parse("relu-16 > tanh-16"): 0}, inside=False)
    words = {kind.words for kind in edits.kinds}
    assert {"add relu-64 after layer 2", "add relu-64, anywhere", "remove layer 2"} <= words


def test_operations_of_cells_are_added_removed_and_swapped() -> None:
    space = make_search_space("cell", (1, 16), 4)
    edits, _ = edits_between(space, {space.smallest(): 0}, inside=False)
    assert {kind.kind for kind in edits.kinds} == {"add"}
    assert "swap edge 0-1 from none to skip_connect" in {kind.words for kind in edits.kinds}
    assert "swap edge, anywhere, from none to skip_connect" in {kind.words for kind in edits.kinds}


def test_the_section_of_a_run_names_edits_that_help_and_is_json(tmp_path: Path) -> None:
    section = explain_edits(read_evidence(recorded(tmp_path / "run", budget=60)))
    json.dumps(section.numbers, allow_nan=False)
    assert not section.withheld
    assert "What helps most, on average over the space, is to" in section.answer[0]
    (table,) = section.tables
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_too_few_evaluations_are_said_to_be_too_few(tmp_path: Path) -> None:
    section = explain_edits(read_evidence(recorded(tmp_path / "run", budget=10)))
    assert section.withheld
    assert "Not enough evaluations to say: 10" in section.answer[0]
