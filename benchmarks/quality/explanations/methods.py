"""Whether explanations tell the truth: importances and edit effects on landscapes whose truth is known.

    python benchmarks/quality/explanations/methods.py   # all cases, about two minutes a case on one core
    python benchmarks/quality/explanations/methods.py --case intervals --repetitions 200 --out figures.json

The landscapes are those of `planted.py`: a space of 4,680 perceptrons with nine
choices, eight of which matter, with deviations in ratio 1.25, noise .01 (see there).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from nas_agents import make_agent
from planted import Landscape, additive, hill_climb, step_changes, true_effects
from scipy.stats import kendalltau

from nas_gym.explain import (
    EncodedArchitectures,
    Importances,
    deletion,
    edited_choice,
    encode_architectures,
    estimate,
    estimate_effects,
    exact,
)

BUDGET, INTERACTION, ZERO = 200, 0.08, 1e-12
OFTEN = 3
UNSEEN = (101, 102, 103, 104)

Design = Callable[[Landscape, EncodedArchitectures, int], tuple[np.ndarray, np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--repetitions", type=int, default=50, help="landscapes, or draws of the noise")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    found = {}
    for name in options.case or CASES:
        found[name] = CASES[name](options.repetitions)
        print(name, json.dumps(found[name], indent=2), flush=True)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


def whole_tables(repetitions: int) -> dict[str, Any]:
    """The order on noiseless tables; intervals and tests on tables of three seeds with noise."""
    right, held, zero, others = 0, [], [], []
    for seed in range(repetitions):
        landscape = additive(seed)
        base = encode_architectures(landscape.space, landscape.architectures)
        named = [one.name for one in exact(base, landscape.table[:, None], 19).choices]
        right += named == sorted(named, key=lambda name: -landscape.importance[name])
        rng = np.random.default_rng(seed)
        seeds = np.column_stack([landscape.noisy(rng) for _ in range(3)])
        for one in exact(base, seeds, 199, seed).choices:
            held.append(one.low <= landscape.importance[one.name] <= one.high)  # type: ignore[operator]
            (zero if one.name == landscape.zero else others).append(one.significant())
    return {
        "landscapes": repetitions,
        "exact_order": right,
        "intervals_of_choices_that_hold": float(np.mean(held)),
        "irrelevant_not_significant": 1.0 - float(np.mean(zero)),
        "others_significant": float(np.mean(others)),
    }


def q_learning(repetitions: int, horizon: int = 20) -> dict[str, Any]:
    """One run of 200 evaluations on each landscape, with an interaction; steps of an episode."""
    taus, zero, passed = [], [], []
    first, identified, told = [], [], []
    for seed in range(repetitions):
        landscape = additive(seed, INTERACTION)
        base = encode_architectures(landscape.space, landscape.architectures)
        visited, y = q_run(landscape, base, seed, horizon)
        found = estimate(base, base.rows(visited), y, seed=seed)
        values = [-1.0 if one.value is None else one.value for one in found.choices]
        truth = [landscape.importance[one.name] for one in found.choices]
        taus.append(float(kendalltau(values, truth).statistic))
        zero += [not one.significant() for one in found.choices if one.name == landscape.zero]
        passed.append(deletion_passes(landscape, found, visited[int(np.argmax(y))]))
        leading, times = found.pairs[0], times_tried(landscape, visited)
        first.append(leading.component.names == landscape.pair)
        if times >= OFTEN:
            identified.append(first[-1])
        if not first[-1]:
            untried = any(landscape.pair == ("depth", name) for _, name, _ in found.untried)
            told.append(" x ".join(landscape.pair) in leading.rivals or (times == 0 and untried))
            print(f"landscape {seed}: the deciding combination was evaluated {times} times", flush=True)
    return {
        "landscapes": repetitions,
        "kendall_tau_median": float(np.median(taus)),
        "kendall_tau_tenth_percentile": float(np.quantile(taus, 0.1)),
        "interaction_named_first": float(np.mean(first)),
        "runs_that_evaluated_it_three_times": len(identified),
        "interaction_named_first_in_those": float(np.mean(identified)),
        "misses": len(told),
        "misses_that_the_section_warns_of": sum(told),
        "irrelevant_not_significant": float(np.mean(zero)),
        "deletion_test_passed": float(np.mean(passed)),
    }


def times_tried(landscape: Landscape, visited: np.ndarray) -> int:
    """Evaluations of depth 2 with the activation that helps from depth 3 on: where the two part.

    Depth 2 is the only one that has the second layer and not what it helps with.
    """
    values = [landscape.space.encode(landscape.architectures[row]) for row in visited]
    return sum(one["depth"] == 1 and one["layer 2 activation"] == landscape.helps for one in values)


def deletion_passes(landscape: Landscape, found: Importances, best: int) -> bool:
    """Whether changing the choices named costs more than changing others, without noise."""
    space, chosen = landscape.space, landscape.architectures[best]
    drops: dict[str, list[float]] = {}
    for one in space.neighbours(chosen):
        choice = edited_choice(space, chosen, one)
        if choice:
            drops.setdefault(choice, []).append(landscape.function(chosen) - landscape.function(one))
    test = deletion([one.name for one in found.choices if one.value is not None], drops)
    return test is not None and test.passed


def intervals(repetitions: int) -> dict[str, Any]:
    """Coverage of nominal 95% intervals with an interaction, the noise drawn anew each time.

    The landscapes are others than the one on which the rule for widening was chosen.
    """
    found: dict[str, Any] = {}
    for name, design in DESIGNS.items():
        tallies = []
        for landscape_seed in UNSEEN:
            landscape = additive(landscape_seed, INTERACTION)
            base = encode_architectures(landscape.space, landscape.architectures)
            seeds = range(1_000 * landscape_seed, 1_000 * landscape_seed + repetitions // len(UNSEEN))
            tallies.append(tally(landscape, base, design, seeds))
        found[name] = summarised(tallies)
    return found


@dataclass
class Tally:
    """Of intervals on one landscape: whether each held the truth, by choice, and what became of it."""

    held: dict[str, list[bool]] = field(default_factory=dict)
    plain: list[bool] = field(default_factory=list)
    wide: list[bool] = field(default_factory=list)
    withheld: int = 0


def tally(landscape: Landscape, base: EncodedArchitectures, design: Design, seeds: Iterable[int]) -> Tally:
    """Draw the noise, and for Q-learning the run, with each seed."""
    found = Tally()
    for seed in seeds:
        visited, y = design(landscape, base, seed)
        estimated = estimate(base, base.rows(visited), y, permutations=19, seed=seed)
        for one in (*estimated.choices, *estimated.pairs):
            names = one.component.names
            single = len(names) == 1
            truth = landscape.importance[names[0]] if single else landscape.interactions[names]  # type: ignore[index]
            key = "choices" if single else "pairs that act" if truth > ZERO else "pairs that do not"
            if one.low is None or one.high is None:
                found.withheld += single
                continue
            holds = one.low - ZERO <= truth <= one.high + ZERO
            found.held.setdefault(key, []).append(holds)
            if single:
                found.held.setdefault(ordinal(landscape, names[0]), []).append(holds)
                (found.wide if one.why else found.plain).append(holds)
    return found


def ordinal(landscape: Landscape, name: str) -> str:
    """The place of a choice in the true order."""
    order = sorted(landscape.importance, key=lambda each: -landscape.importance[each])
    return f"choice {order.index(name) + 1} in the true order"


def summarised(tallies: list[Tally]) -> dict[str, Any]:
    """Coverage over all landscapes and of each, and how many intervals were widened or withheld."""
    by_key: dict[str, list[bool]] = {}
    for one in tallies:
        for key, values in one.held.items():
            by_key.setdefault(key, []).extend(values)
    plain = [each for one in tallies for each in one.plain]
    wide = [each for one in tallies for each in one.wide]
    withheld = sum(one.withheld for one in tallies)
    asked = len(plain) + len(wide) + withheld
    return {
        "intervals": asked,
        **{key: float(np.mean(by_key[key])) for key in sorted(by_key)},
        "choices on each landscape": [float(np.mean(one.held["choices"])) for one in tallies],
        "choices, plain intervals": float(np.mean(plain)) if plain else None,
        "choices, widened intervals": float(np.mean(wide)) if wide else None,
        "share widened": len(wide) / asked,
        "share withheld": withheld / asked,
    }


def edits(repetitions: int) -> dict[str, Any]:
    """Edit effects from a hill climber, which stays where its luck was best, and where nothing has one."""
    found: dict[str, Any] = {}
    for name, largest in (("planted effects", 0.02), ("no effect", 0.0)):
        ours, together, naive = [], [], []
        for seed in range(repetitions):
            landscape = additive(seed, largest=largest)
            visited, y, steps = hill_climb(landscape, BUDGET, seed, noise=0.03 if not largest else 0.01)
            estimates = estimate_effects(landscape.space, visited, y, steps, seed=seed)
            truth = true_effects(landscape, {one.kind for one in estimates.effects})
            known = [one for one in estimates.effects if one.change is not None and one.kind in truth]
            inside = [one.change.low <= truth[one.kind] <= one.change.high for one in known if one.change]
            ours += inside
            together.append(all(inside))
            naive.append(naive_share(landscape, step_changes(landscape, visited, y, steps), truth))
        found[name] = {
            "repetitions": repetitions,
            "intervals_that_hold": float(np.mean(ours)),
            "runs_in_which_all_hold": float(np.mean(together)),
            "naive_intervals_that_hold": float(np.nanmean(naive)),
        }
    return found


def naive_share(landscape: Landscape, changes: dict[Any, list[float]], truth: dict[Any, float]) -> float:
    """How many t intervals of the mean change met hold the truth, of kinds met at least five times."""
    held = []
    for kind, met in changes.items():
        if kind in truth and len(met) >= 5:
            reach = 2.0 * np.std(met, ddof=1) / np.sqrt(len(met))
            held.append(abs(np.mean(met) - truth[kind]) <= reach)
    return float(np.mean(held)) if held else float("nan")


def q_run(
    landscape: Landscape, base: EncodedArchitectures, seed: int, horizon: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """The indices and accuracies of a run of Q-learning."""
    env = landscape.environment(seed=seed, horizon=horizon)
    result = make_agent({"name": "q-learning", "outputs": "actions"}).search(env, BUDGET, seed)
    parse = landscape.space.parse
    indices = [landscape.space.index(parse(each.architecture)) for each in result.evaluations]
    return np.array(indices), np.array([each.score for each in result.evaluations])


def uniform_sample(
    landscape: Landscape, base: EncodedArchitectures, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """All 8 networks of depth 1 and 64 of each other depth."""
    rng = np.random.default_rng(seed)
    depths = [np.flatnonzero(base.depth == depth) for depth in range(4)]
    drawn = np.concatenate([rng.choice(rows, min(64, len(rows)), replace=False) for rows in depths])
    return drawn, landscape.noisy(rng)[drawn]


DESIGNS: dict[str, Design] = {"uniform, stratified by depth": uniform_sample, "q-learning": q_run}

CASES: dict[str, Callable[[int], dict[str, Any]]] = {
    "table": whole_tables,
    "q-learning": q_learning,
    "q-learning in short episodes": partial(q_learning, horizon=6),
    "intervals": intervals,
    "edits": edits,
}

if __name__ == "__main__":
    main()
