"""The policies of two runs: where they agree, where they part, and who was right."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.explain.compare_figures import partings_figure
from nas_gym.explain.distil import policy_visits
from nas_gym.explain.distillation import setting_of
from nas_gym.explain.evidence import Evidence
from nas_gym.explain.known_accuracies import answers_at_once, evaluated
from nas_gym.explain.moments import discount_of
from nas_gym.explain.partings import Compared, Parting, Worth, compare_policies
from nas_gym.explain.phrases import counted, listed, percent
from nas_gym.explain.rollouts import Decisions
from nas_gym.explain.section import Section, Table, withheld
from nas_gym.explain.tree_features import Questions
from nas_gym.explain.value_iteration import LARGEST, OptimalValues
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.traces.policy import State

POLICIES = ("policies", "Where do their policies part, and who was right?")
SHOWN = 12
MORE = 0.05


def compare_decisions(runs: tuple[Evidence, Evidence], names: tuple[str, str], seed: int) -> Section:
    """Where the last policies of two runs agree and part, and whose edits are better there."""
    policies = [run.policy() for run in runs]
    without = [name for name, policy in zip(names, policies, strict=True) if policy is None]
    if policies[0] is None or policies[1] is None:
        return withheld(
            *POLICIES, f"There is no policy over edits of {listed(without)}, so they cannot be compared."
        )
    space, setting = runs[0].search_space, setting_of(runs[0], seed)
    if runs[0].problem.reward.episodic != runs[1].problem.reward.episodic:
        return withheld(
            *POLICIES, "One run was paid at the end of an episode alone, so their states are not the same."
        )
    one, other = Decisions(policies[0], space), Decisions(policies[1], space)
    rng = np.random.default_rng(seed)
    counts = [policy_visits(one, setting, rng), policy_visits(other, setting_of(runs[1], seed), rng)]
    states = list(dict.fromkeys([*counts[0], *counts[1]]))
    visits = np.array([counts[0][state] + counts[1][state] for state in states], dtype=np.float64)
    worth, source = _worth(runs)
    questions = Questions(space, setting.horizon if setting.episodic else None)
    found = compare_policies(one.valued(states), other.valued(states), visits, questions, worth)
    if found is None:
        return withheld(*POLICIES, "The policies have no state in common in which both prefer some edit.")
    return Section(
        *POLICIES,
        answer=tuple(_on_partings(found, names)),
        trust=(
            f"Asked were {counted(found.states, 'state')} that either visits and in which both prefer some "
            f"edit, {percent(found.covered)} of their visits. Who was right is judged by {source}."
        ),
        tables=(_partings_table(found, names, space),),
        figures=(partings_figure(found, names, space),) if _judged(found) else (),
        numbers={
            "states": found.states,
            "agree": found.agree,
            "covered": found.covered,
            "partings": len(found.partings),
            "partings_judged": len(_judged(found)),
            "won": [found.won(0), found.won(1)],
            "region": None if found.region is None else list(found.region),
            "judged_by": source,
        },
    )


def _judged(found: Compared) -> list[Parting]:
    return [one for one in found.partings if one.worth is not None]


def _worth(runs: tuple[Evidence, Evidence]) -> tuple[Worth, str]:
    """What an edit is worth: exactly where every accuracy is known, else by the accuracy it led to."""
    problem, space = runs[0].problem, runs[0].search_space
    if answers_at_once(problem.evaluator) and space.size <= LARGEST:
        accuracies = np.array(evaluated(problem.evaluator, list(space)))
        gamma = discount_of(runs[0].config)
        values = OptimalValues(space, accuracies, problem.reward, problem.horizon, gamma)

        def exact(state: State, edit: int) -> float | None:
            return float(values.of(state)[edit])

        return exact, "the best that can follow an edit (value iteration on all accuracies of the space)"
    known = {
        str(one.architecture): one.accuracy for run in runs for one in run.succeeded if one.fidelity is None
    }

    def seen(state: State, edit: int) -> float | None:
        return known.get(str(space.apply(state.architecture, edit)))

    return (
        seen,
        "the accuracy right after the edit, where either run measured it; what follows later does not count",
    )


def _on_partings(found: Compared, names: tuple[str, str]) -> list[str]:
    told = [f"The policies agree in {percent(found.agree)} of the states they visit."]
    if not found.partings:
        return told
    if found.region is not None and found.region[1] > 1 - found.agree + MORE:
        told.append(
            f"They part most where {found.region[0]}: in {percent(found.region[1])} of their visits there."
        )
    judged = _judged(found)
    if not judged:
        told.append("Who was right where they part is not known: the networks were not evaluated.")
        return told
    first, second = found.won(0), found.won(1)
    which = (
        "neither was right more often"
        if abs(first - second) < 0.01
        else f"{names[int(second > first)]} was right more often"
    )
    told[0] = (
        f"The policies agree in {percent(found.agree)} of the states they visit; where they part, {which}: "
        f"{names[0]}'s edit is the better one in {percent(first)}, {names[1]}'s in {percent(second)} of the "
        f"visits to the {counted(len(judged), 'state')} where it can be told."
    )
    return told


def _partings_table(found: Compared, names: tuple[str, str], space: SearchSpace[Any]) -> Table:
    def gain(worth: tuple[float, float] | None) -> float | None:
        return None if worth is None else float(f"{worth[0] - worth[1]:.3g}")

    return Table(
        "partings",
        f"Where they part, the states visited most first; the last column is by how much more {names[0]}'s "
        f"edit is worth than {names[1]}'s.",
        ("state", *names, "visits", f"{names[0]} better by"),
        tuple(
            (
                one.state.key,
                *(str(space.actions[edit]) for edit in one.edits),
                percent(one.weight),
                gain(one.worth),
            )
            for one in found.partings
        ),
        shown=SHOWN,
    )
