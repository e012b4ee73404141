"""Whether explanations tell the truth: importances and edit effects on landscapes whose truth is known.

    python benchmarks/explanations.py                      # all cases, about two minutes a case on one core
    python benchmarks/explanations.py --case intervals --repetitions 200 --out figures.json

The landscapes are those of `tests/explain/planted.py`: a space of 4,680 perceptrons with nine
choices, eight of which matter, with deviations in ratio 1.25, noise .01 (see there).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from nas_agents import make_agent
from scipy.stats import kendalltau

sys.path.insert(0, str(Path(__file__).parents[1]))

from nas_gym.explain.choices import Importances, estimate, exact
from nas_gym.explain.coding import Coded, code
from nas_gym.explain.deletion import deletion, edited_choice
from nas_gym.explain.edit_effects import estimate_effects
from tests.explain.planted import Landscape, additive, hill_climb, step_changes, true_effects

BUDGET, INTERACTION, ZERO = 200, 0.08, 1e-12


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


def table_order(repetitions: int) -> dict[str, Any]:
    """Landscapes whose choices the noiseless table puts in exactly the true order."""
    right = 0
    for seed in range(repetitions):
        landscape = additive(seed)
        found = exact(code(landscape.space, landscape.architectures), landscape.table[:, None])
        named = [one.name for one in found.choices]
        right += named == sorted(named, key=lambda name: -landscape.importance[name])
    return {"landscapes": repetitions, "exact_order": right}


def q_learning(repetitions: int) -> dict[str, Any]:
    """One run of 200 evaluations on each landscape, with an interaction."""
    taus, first, zero, passed = [], [], [], []
    for seed in range(repetitions):
        landscape = additive(seed, INTERACTION)
        base = code(landscape.space, landscape.architectures)
        visited, y = q_run(landscape, seed)
        found = estimate(base, base.rows(visited), y, seed=seed)
        values = [-1.0 if one.value is None else one.value for one in found.choices]
        truth = [landscape.importance[one.name] for one in found.choices]
        taus.append(float(kendalltau(values, truth).statistic))
        first.append(found.pairs[0].component.names == landscape.pair)
        zero += [not one.significant() for one in found.choices if one.name == landscape.zero]
        passed.append(deletion_passes(landscape, found, visited[int(np.argmax(y))]))
    return {
        "landscapes": repetitions,
        "kendall_tau_median": float(np.median(taus)),
        "kendall_tau_tenth_percentile": float(np.quantile(taus, 0.1)),
        "interaction_named_first": float(np.mean(first)),
        "irrelevant_not_significant": float(np.mean(zero)),
        "deletion_test_passed": float(np.mean(passed)),
    }


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
    """Coverage of nominal 95% intervals on one landscape with an interaction, the noise drawn anew."""
    landscape = additive(0, INTERACTION)
    base = code(landscape.space, landscape.architectures)
    designs: dict[str, Callable[[int], tuple[np.ndarray, np.ndarray]]] = {
        "uniform, stratified by depth": lambda seed: uniform_sample(landscape, base, seed),
        "q-learning": lambda seed: q_run(landscape, seed),
    }
    return {name: coverage(landscape, base, design, repetitions) for name, design in designs.items()}


def coverage(
    landscape: Landscape,
    base: Coded,
    design: Callable[[int], tuple[np.ndarray, np.ndarray]],
    repetitions: int,
) -> dict[str, Any]:
    """Shares of intervals that hold the truth, by choice and over all, and how many were widened."""
    held: dict[str, list[bool]] = {}
    widened = withheld = 0
    for seed in range(repetitions):
        visited, y = design(seed)
        found = estimate(base, base.rows(visited), y, permutations=19, seed=seed)
        for one in (*found.choices, *found.pairs):
            names = one.component.names
            single = len(names) == 1
            truth = landscape.importance[names[0]] if single else landscape.interactions[names]  # type: ignore[index]
            key = one.name if single else "pairs that act" if truth > ZERO else "pairs that do not"
            withheld += single and one.value is None
            widened += single and one.value is not None and bool(one.why)
            if one.low is not None and one.high is not None:
                held.setdefault(key, []).append(one.low - ZERO <= truth <= one.high + ZERO)
    shares = {key: float(np.mean(values)) for key, values in held.items()}
    choices = [value for key, values in held.items() if not key.startswith("pairs") for value in values]
    return {
        "repetitions": repetitions,
        "all_choices": float(np.mean(choices)),
        **shares,
        "intervals_of_choices_widened": widened / (repetitions * len(base.names)),
        "intervals_of_choices_withheld": withheld / (repetitions * len(base.names)),
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


def q_run(landscape: Landscape, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices and accuracies of a run of Q-learning."""
    result = make_agent("q-learning").search(landscape.environment(seed=seed), BUDGET, seed)
    parse = landscape.space.parse
    indices = [landscape.space.index(parse(each.architecture)) for each in result.evaluations]
    return np.array(indices), np.array([each.accuracy for each in result.evaluations])


def uniform_sample(landscape: Landscape, base: Coded, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All 8 networks of depth 1 and 64 of each other depth."""
    rng = np.random.default_rng(seed)
    depths = [np.flatnonzero(base.depth == depth) for depth in range(4)]
    drawn = np.concatenate([rng.choice(rows, min(64, len(rows)), replace=False) for rows in depths])
    return drawn, landscape.noisy(rng)[drawn]


CASES: dict[str, Callable[[int], dict[str, Any]]] = {
    "table": table_order,
    "q-learning": q_learning,
    "intervals": intervals,
    "edits": edits,
}

if __name__ == "__main__":
    main()
