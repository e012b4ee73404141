"""The policies of two runs: where they agree, where they differ, and whose edits are better."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.setting import setting_of
from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.policies.disagreement import PolicyComparison, compare_policies
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.states import policy_visits
from nas_gym.explain.methods.significance.sign_flip import SignFlipTest
from nas_gym.explain.report.phrases import counted, listed, percent
from nas_gym.explain.section import Section, Table, withheld
from nas_gym.explain.sections.comparison.figures import disagreements_figure
from nas_gym.explain.sections.comparison.worth import Judgement, judge
from nas_gym.search_spaces import SearchSpace

POLICIES = ("policies", "Where do the policies differ, and whose edits are better?")
SHOWN = 12
MORE = 0.05


def compare_decisions(
    runs: tuple[Evidence, Evidence], names: tuple[str, str], seed: int, budget: int | None
) -> Section:
    """Return where the last policies of two runs agree and differ, and whose edits are better there."""
    policies = [run.policy() for run in runs]
    without = [name for name, policy in zip(names, policies, strict=True) if policy is None]
    if policies[0] is None or policies[1] is None:
        return withheld(
            *POLICIES, f"There is no policy over edits of {listed(without)}, so they cannot be compared."
        )
    space, setting = runs[0].search_space, setting_of(runs[0], seed)
    if runs[0].problem.reward.episodic != runs[1].problem.reward.episodic:
        return withheld(
            *POLICIES,
            "One run was rewarded at the end of an episode alone, so the states of the two are not the same.",
        )
    one, other = Decisions(policies[0], space), Decisions(policies[1], space)
    rng = np.random.default_rng(seed)
    counts = [policy_visits(one, setting, rng), policy_visits(other, setting_of(runs[1], seed), rng)]
    states = list(dict.fromkeys([*counts[0], *counts[1]]))
    visits = np.array([counts[0][state] + counts[1][state] for state in states], dtype=np.float64)
    questions = Questions(space, setting.horizon if setting.episodic else None)
    found = compare_policies(one.policy_scores(states), other.policy_scores(states), visits, questions)
    if found is None:
        return withheld(*POLICIES, "The policies have no state in common in which both prefer some edit.")
    edits = [
        (disagreement.state, edit) for disagreement in found.disagreements for edit in disagreement.edits
    ]
    judgement = judge(runs, edits, budget) if edits else None
    if judgement is not None:
        found = found.with_worth(judgement.values)
    return _section(found, names, space, judgement, seed)


def _section(
    found: PolicyComparison,
    names: tuple[str, str],
    space: SearchSpace[Any],
    judgement: Judgement | None,
    seed: int,
) -> Section:
    tests = found.tested(seed) if found.judged else None
    trust = (
        f"The policies were compared in {counted(found.states, 'state')} that either visits and in which "
        f"both prefer some edit, {percent(found.covered)} of their visits."
    )
    if tests is not None and judgement is not None:
        trust += (
            f" Which edit is better is judged by {judgement.source}. Luck is tested by flipping the signs "
            "of the differences, those of the same two edits together "
            f"({counted(tests[0].groups, 'such case')}). All this is about these two policies; another run "
            "of either agent may learn another."
        )
    return Section(
        *POLICIES,
        answer=tuple(_on_disagreements(found, names, tests, judgement)),
        trust=trust,
        tables=(_disagreements_table(found, names, space),) if found.disagreements else (),
        figures=(disagreements_figure(found, names, space),) if found.judged else (),
        numbers={
            "states": found.states,
            "agree": found.agree,
            "covered": found.covered,
            "disagreements": len(found.disagreements),
            "disagreements_judged": len(found.judged),
            "won": [found.won(0), found.won(1)],
            "right_more_often": None if tests is None else asdict(tests[0]),
            "worth_more": None if tests is None else asdict(tests[1]),
            "region": None if found.region is None else list(found.region),
            "judged_by": None if judgement is None else judgement.source,
        },
        facts=() if tests is None else _facts(tests, names),
    )


def _facts(tests: tuple[SignFlipTest, SignFlipTest], names: tuple[str, str]) -> tuple[Fact, ...]:
    """Return by how much the first policy is right more often, and by how much its edits are worth more."""
    keys = (("right more often", "share of visits"), ("worth more", "worth of an edit"))
    return tuple(
        difference(
            key,
            f"{names[0]} over {names[1]} where they differ",
            f"{test.groups} cases",
            test.mean,
            test.low,
            test.high,
            test.groups,
            unit=unit,
            p=test.p,
        )
        for test, (key, unit) in zip(tests, keys, strict=True)
    )


def _on_disagreements(
    found: PolicyComparison,
    names: tuple[str, str],
    tests: tuple[SignFlipTest, SignFlipTest] | None,
    judgement: Judgement | None,
) -> list[str]:
    told = [f"The policies agree in {percent(found.agree)} of the states they visit."]
    if not found.disagreements:
        return told
    if tests is None or judgement is None:
        told.append("Whose edits are better where they differ is not known: the networks were not evaluated.")
    else:
        told[0] = f"{told[0][:-1]}; where they differ, {_right(found, names, tests[0])}."
        told.append(_worth_more(names, tests[1], judgement))
    if found.region is not None and found.region[1] > 1 - found.agree + MORE:
        told.append(
            f"They differ most where {found.region[0]}: in {percent(found.region[1])} of their visits there."
        )
    return told


def _right(found: PolicyComparison, names: tuple[str, str], test: SignFlipTest) -> str:
    first, second = found.won(0), found.won(1)
    shares = (
        f"{names[0]}'s edit is the better one in {percent(first)}, {names[1]}'s in {percent(second)} of the "
        f"visits to the {counted(len(found.judged), 'state')} where this is known"
    )
    better = names[int(second > first)]
    if abs(first - second) < 0.01:
        return f"neither was right more often: {shares}"
    if test.sure:
        return f"{better} was right more often: {shares} (p = {test.p:.3f})"
    return (
        f"it is not shown that {better} was right more often: {shares}, which could be luck "
        f"(p = {test.p:.3f})"
    )


def _worth_more(names: tuple[str, str], test: SignFlipTest, judgement: Judgement) -> str:
    better, sign = names[int(test.mean < 0)], -1 if test.mean < 0 else 1
    interval = "no interval, since the cases are too few"
    if test.low is not None and test.high is not None:
        low, high = sorted((100 * sign * test.low, 100 * sign * test.high))
        interval = f"95% interval {low:+.2f} to {high:+.2f}"
    verdict = "" if test.sure else ", which could be luck"
    return (
        f"There an edit of {better} is worth {100 * abs(test.mean):.2f} points more on average, in "
        f"{judgement.unit} ({interval}, p = {test.p:.3f}){verdict}."
    )


def _disagreements_table(found: PolicyComparison, names: tuple[str, str], space: SearchSpace[Any]) -> Table:
    def gain(worth: tuple[float, float] | None) -> float | None:
        return None if worth is None else float(f"{worth[0] - worth[1]:.3g}")

    return Table(
        "disagreements",
        "The states in which the policies make different edits, the most visited first; the last column is "
        f"by how much more {names[0]}'s edit is worth than {names[1]}'s.",
        ("state", *names, "visits", f"{names[0]} better by"),
        tuple(
            (
                one.state.key,
                *(str(space.actions[edit]) for edit in one.edits),
                percent(one.weight),
                gain(one.worth),
            )
            for one in found.disagreements
        ),
        shown=SHOWN,
    )
