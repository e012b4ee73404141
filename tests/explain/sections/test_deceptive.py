"""A landscape whose start leads away from the best network: what explanations say of a trapped search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.quality.explanations.planted import TRAP_SPACE, climbed_to, deceptive, trap
from nas_gym.explain import estimate_effects, read_evidence
from nas_gym.explain.sections.alternatives.analysis import find_alternatives
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.search_spaces import EditPath
from nas_gym.traces import TabularPolicy
from tests.helpers.explain.policy_runs import followed

LANDSCAPE = deceptive()
SPACE = LANDSCAPE.space
START, TRAP, BEST = (
    SPACE.parse(text) for text in ("relu-16", "relu-64 > relu-64 > relu-64", "tanh-64 > tanh-64 > tanh-64")
)


def greedy() -> TabularPolicy:
    """The policy that values an edit by the score it leads to."""
    table = {
        str(one): np.array(
            [
                trap(after) if (after := SPACE.edited(one, action)) is not None else 0.0
                for action in range(len(SPACE.actions))
            ]
        )
        for one in SPACE
    }
    return TabularPolicy(SPACE, table)


def along(way: EditPath) -> TabularPolicy:
    """The policy that goes a way, and stays at its end."""
    words = [str(edit) for edit in SPACE.actions]
    table = {str(one): np.zeros(len(words)) for one in way.architectures}
    for one, edit in zip(way.architectures, (*way.edits, "keep"), strict=True):
        table[str(one)][words.index(edit)] = 1.0
    return TabularPolicy(SPACE, table)


def run_of(folder: Path, policy: TabularPolicy, **options: Any) -> Any:
    return read_evidence(
        followed(
            folder,
            policy,
            space=TRAP_SPACE,
            function="benchmarks.quality.explanations.planted:trap",
            **options,
        )
    )


def test_edits_that_help_lead_from_the_start_to_where_none_does() -> None:
    assert climbed_to(LANDSCAPE, START)[-1] == TRAP
    assert max(SPACE, key=trap) == BEST
    relus = [one for one in SPACE if all(activation == "relu" for _, activation in one.layers)]
    assert all(climbed_to(LANDSCAPE, one)[-1] == TRAP for one in relus)


def test_a_trapped_search_is_told_that_no_edit_improves_what_it_found(tmp_path: Path) -> None:
    evidence = run_of(tmp_path / "run", greedy(), epsilon=0.0)
    found = find_alternatives(evidence)
    assert found.chosen == TRAP
    assert {str(one.architecture) for one in found.neighbours} == set(map(str, SPACE.neighbours(TRAP)))
    assert not any(one.verdict == "improves" for one in found.neighbours)
    assert max(trap(one.architecture) for one in found.neighbours) < trap(TRAP) < trap(BEST)
    said = " ".join(explain_alternatives(evidence).answer)
    assert "networks one change away is clearly better" in said


def test_the_way_to_the_best_network_crosses_a_valley(tmp_path: Path) -> None:
    way = SPACE.shortest_path(START, BEST)
    assert way is not None
    assert way.shortest
    # Of all ways, not of this one alone: the highest lowest point that any has.
    assert highest_pass(START, BEST) < trap(START)
    assert min(trap(one) for one in way.architectures[1:-1]) <= highest_pass(START, BEST)
    evidence = run_of(tmp_path / "run", along(way), epsilon=0.0)
    assert evidence.chosen.architecture == BEST
    numbers = explain_alternatives(evidence).numbers["path"]
    assert len(numbers["edits"]) == len(way)
    told = [score for score in numbers["scores"] if score is not None]
    assert min(told) < numbers["scores"][0] < numbers["scores"][-1]


def highest_pass(start: Any, goal: Any) -> float:
    """The lowest score on the way that keeps it highest, by widening what may be crossed."""
    for floor in sorted({trap(one) for one in SPACE}, reverse=True):
        reached, queue = {start}, [start]
        while queue:
            for after in SPACE.neighbours(queue.pop()):
                if after not in reached and (trap(after) >= floor or after == goal):
                    reached.add(after)
                    queue.append(after)
        if goal in reached:
            return floor
    raise AssertionError("the goal cannot be reached")


@pytest.mark.parametrize("seed", range(3))
def test_effects_over_the_space_are_told_where_the_agents_steps_mislead(seed: int) -> None:
    """At the trap a tanh in layer 3 costs .17; over all networks it brings .08."""
    rng = np.random.default_rng(seed)
    others = [one for one in SPACE if one != TRAP and one not in set(SPACE.neighbours(TRAP))]
    drawn = [others[row] for row in rng.choice(len(others), 45, replace=False)]
    way = climbed_to(LANDSCAPE, START)
    visited = list(dict.fromkeys([*way, *SPACE.neighbours(TRAP), *drawn]))
    y = np.array([trap(one) for one in visited]) + 0.005 * rng.standard_normal(len(visited))
    steps = [(TRAP, one) for one in SPACE.neighbours(TRAP)] * 4
    effects = estimate_effects(SPACE, visited, y, steps, seed=seed).effects
    one = next(each for each in effects if each.kind.words == "swap layer 3 activation from relu to tanh")
    truth = np.mean(
        [
            trap(SPACE.decode(SPACE.encode(each) | {"layer 3 activation": 1})) - trap(each)
            for each in SPACE
            if len(each.layers) == 3 and each.layers[2][1] == "relu"
        ]
    )
    assert truth == pytest.approx(0.08)
    assert one.in_steps is not None
    assert one.in_steps < -0.1
    assert one.change is not None
    assert one.change.low <= truth <= one.change.high
    assert one.change.value == pytest.approx(truth, abs=0.03)
