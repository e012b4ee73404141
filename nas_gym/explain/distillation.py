"""What did the agent learn? Its policy in rules, and how far the rules are the policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.explain.distil import FAITHFUL, LEAVES, READABLE, Distilled, Fidelity, Setting, distil
from nas_gym.explain.earnings import DRAWN_STARTS, Earnings, earnings
from nas_gym.explain.evidence import Evidence
from nas_gym.explain.known_accuracies import accuracies_of
from nas_gym.explain.phrases import counted, percent, percent_range
from nas_gym.explain.policy_figures import curve_figure, over_time_figure, rules_figure
from nas_gym.explain.policy_over_time import KINDS, Snapshot, over_time
from nas_gym.explain.rollouts import Decisions, starts_of
from nas_gym.explain.rules import Rule, rules_of, shares_of
from nas_gym.explain.section import Section, Table, withheld

KEY, QUESTION = "policy", "What did the agent learn?"
NONE = (
    "The agent of this run left no policy over edits (it asks for networks without editing one step by step, "
    "or no policy was watched), so there are no decisions to put into rules."
)
INDIFFERENT = (
    "The saved policy prefers no edit to another in any state that could be asked (its scores are within "
    "0.001 of each other), so there are no decisions to put into rules."
)
RULES_IN_WORDS = 3


def explain_policy(evidence: Evidence, seed: int = 0) -> Section:
    """The section on what the policy learned.

    Args:
        evidence: of the run.
        seed: of walks, samples and folds.
    """
    last = evidence.policy()
    if last is None:
        return withheld(KEY, QUESTION, NONE)
    setting = setting_of(evidence, seed)
    decisions = Decisions(last, setting.space)
    distilled = distil(decisions, setting, seed)
    if distilled is None:
        return withheld(KEY, QUESTION, INDIFFERENT)
    shown = distilled.shown
    rules = rules_of(distilled.trees[shown.leaves], distilled.questions.all, setting.space.actions)
    earned = _earnings(evidence, decisions, distilled, setting, seed)
    policies = {number: evidence.policy(number) for number in evidence.snapshots}
    asked = {number: Decisions(one, setting.space) for number, one in policies.items() if one is not None}
    snapshots = over_time(asked, distilled.asked, setting, seed)
    return Section(
        KEY,
        QUESTION,
        answer=(
            *_on_fidelity(distilled),
            *_on_rules(distilled, rules),
            *_on_earnings(earned, distilled, setting),
            *_on_change(snapshots),
        ),
        trust=_trust(distilled, decisions, earned),
        tables=(
            _rules_table(distilled, rules),
            _curve_table(distilled, setting),
            *_earnings_table(earned, setting),
            *_snapshot_table(snapshots),
        ),
        figures=(
            rules_figure(distilled, setting.space.actions),
            curve_figure(distilled),
            *([over_time_figure(snapshots)] if len(snapshots) > 1 else []),
        ),
        numbers=_numbers(distilled, rules, earned, snapshots, setting),
    )


def setting_of(evidence: Evidence, seed: int = 0) -> Setting:
    """Where the policies of a run act."""
    problem = evidence.problem
    starts = starts_of(problem, DRAWN_STARTS, np.random.default_rng(seed))
    return Setting(problem.search_space, starts, problem.horizon, problem.reward.episodic)


def _earnings(
    evidence: Evidence, decisions: Decisions, distilled: Distilled, setting: Setting, seed: int
) -> tuple[dict[str, Earnings], str] | str:
    """The earnings from the run's start and from starts drawn uniformly, or why there are none."""
    accuracies = accuracies_of(evidence, seed)
    if isinstance(accuracies, str):
        return accuracies
    rng = np.random.default_rng(seed)
    starts = {
        "the run's start": setting.starts,
        "random starts": [setting.space.sample(rng) for _ in range(DRAWN_STARTS)],
    }
    reward, leaves = evidence.problem.reward, distilled.shown.leaves
    found = {
        name: earnings(decisions, distilled, leaves, setting, some, reward, accuracies, seed)
        for name, some in starts.items()
    }
    return found, accuracies.source


def _on_fidelity(distilled: Distilled) -> list[str]:
    shown, faithful = distilled.shown, distilled.faithful
    tree = counted(distilled.trees[shown.leaves].leaves, "rule")
    right = (
        f"{percent(shown.visited)} of its decisions in the states it visits and "
        f"{percent(shown.everywhere)} of those in all states alike"
    )
    if faithful is None:
        best = max(distilled.curve, key=lambda one: one.least)
        return [
            f"No small tree is faithful: whatever its size up to {LEAVES[-1]} rules, a tree that was not "
            f"told the answer picks an edit as good as the policy's own in at most {percent(best.least)} of "
            f"the states, less than the {percent(FAITHFUL)} that would make it a fair summary. The policy "
            "has no simple regularity that the questions asked here can catch.",
            f"The closest small tree, of {tree}, gives {right}: read it as a hint, not as the policy.",
        ]
    if faithful.leaves > READABLE:
        size = counted(distilled.trees[faithful.leaves].leaves, "rule")
        return [
            f"It takes a tree of {size} to say what the agent does ({percent(faithful.least)} of its "
            f"decisions), more than one reads. The {tree} shown here give {right}."
        ]
    return [f"What the agent does can be said in {tree}: they give {right}."]


def _on_rules(distilled: Distilled, rules: tuple[Rule, ...]) -> list[str]:
    shares = shares_of(
        distilled.trees[distilled.shown.leaves], distilled.asked.answers, distilled.asked.visits
    )
    most = sorted(rules, key=lambda rule: -shares[rule.leaf])[:RULES_IN_WORDS]
    told = [f"{rule} ({percent(shares[rule.leaf])} of its visits)" for rule in most if shares[rule.leaf] > 0]
    return [f"Used most: {' '.join(told)}"] if told else []


def _on_earnings(
    earned: tuple[dict[str, Earnings], str] | str, distilled: Distilled, setting: Setting
) -> list[str]:
    if isinstance(earned, str):
        return [f"Whether the rules earn what the policy earns is not known: {earned[0].lower()}{earned[1:]}"]
    sentences = []
    for name, one in earned[0].items():
        if one.recovered is None or one.interval is None or one.recovered_by_rule is None:
            sentences.append(
                f"From {name} the policy does not clearly earn more than random legal edits "
                f"({one.policy:.3f} against {one.random:.3f} an episode), so there is nothing for rules to "
                "recover."
            )
            continue
        edit = setting.space.actions[one.rule_edit]
        sentences.append(
            f"From {name}, the rules alone earn {percent(one.recovered)} (95% interval "
            f"{percent_range(one.interval)}) of what the policy earns over random legal edits; the best "
            f"single rule, always '{edit}' where it is possible, earns {percent(one.recovered_by_rule)} of "
            "it."
        )
    return sentences


def _on_change(snapshots: tuple[Snapshot, ...]) -> list[str]:
    told = [one for one in snapshots if one.kinds is not None and one.agrees_with_last is not None]
    if len(told) < 2:
        return []
    first, last = told[0], told[-1]
    settled = next(
        (
            one
            for number, one in enumerate(told)
            if all((later.agrees_with_last or 0.0) >= FAITHFUL for later in told[number:])
        ),
        last,
    )
    favourites = [KINDS[int(np.argmax(one.kinds or ()))] for one in (first, last)]
    change = (
        f"mostly '{favourites[0]}' edits throughout"
        if favourites[0] == favourites[1]
        else f"mostly '{favourites[0]}' edits at first and mostly '{favourites[1]}' edits at the end"
    )
    when = (
        "it changed up to its end"
        if settled is last
        else f"from {counted(settled.evaluations, 'evaluation')} on it decided as at its end in "
        f"{percent(FAITHFUL)} of them or more"
    )
    return [f"While it learned, in the states it visits at its end, it made {change}; {when}."]


def _trust(distilled: Distilled, decisions: Decisions, earned: tuple[dict[str, Earnings], str] | str) -> str:
    asked = distilled.asked
    count = counted(len(asked.valued), "state")
    parts = [
        f"Asked were {count} in which the policy prefers some edit; each was asked of trees grown without "
        "it (cross-validation), and an edit counts as right if the policy's own score for it is within "
        "0.001 of its best."
    ]
    if asked.known < 1:
        parts.append(
            f"The policy has a preference in {percent(asked.known)} of the states of the space: of the rest "
            "these rules say nothing."
        )
    if asked.indifferent > 0:
        parts.append(f"{percent(asked.indifferent)} of its own visits are to states in which it has none.")
    if not isinstance(earned, str):
        parts.append(
            "For returns the policy makes the edit it scores best, every time, and so do the rules; they are "
            f"computed from {earned[1]}."
        )
    return " ".join(parts)


def _rules_table(distilled: Distilled, rules: tuple[Rule, ...]) -> Table:
    tree, asked = distilled.trees[distilled.shown.leaves], distilled.asked
    visits = shares_of(tree, asked.answers, asked.visits)
    everywhere = shares_of(tree, asked.answers, asked.everywhere)
    return Table(
        "rules",
        "The policy in rules: exactly one applies to a state. Shares are of the states in which it "
        "applies, by how often the policy visits them and of all states alike.",
        ("when", "edit", "visits", "states"),
        tuple(
            (rule.condition, rule.action, percent(visits[rule.leaf]), percent(everywhere[rule.leaf]))
            for rule in rules
        ),
        shown=READABLE,
    )


def _curve_table(distilled: Distilled, setting: Setting) -> Table:
    edit = setting.space.actions[distilled.rule_edit]
    named = [
        (f"one: '{edit}'" if one is distilled.rule else f"up to {one.leaves}", one)
        for one in (distilled.rule, *distilled.curve)
    ]
    return Table(
        "fidelity",
        "Share of states, not seen when the tree was grown, in which its edit is as good as the best by "
        "the policy's own score, with 95% intervals over states.",
        ("rules", "states the policy visits", "all states alike"),
        tuple(
            (
                name,
                f"{percent(one.visited)} ({percent_range(one.visited_interval)})",
                f"{percent(one.everywhere)} ({percent_range(one.everywhere_interval)})",
            )
            for name, one in named
        ),
    )


def _earnings_table(earned: tuple[dict[str, Earnings], str] | str, setting: Setting) -> list[Table]:
    if isinstance(earned, str):
        return []
    rows = []
    for name, one in earned[0].items():
        edit = setting.space.actions[one.rule_edit]
        recovered = None if one.recovered is None else percent(one.recovered)
        by_rule = None if one.recovered_by_rule is None else percent(one.recovered_by_rule)
        rows += [
            (name, "policy", round(one.policy, 4), "100%" if recovered else None),
            (name, "rules", round(one.tree, 4), recovered),
            (name, f"one rule: '{edit}'", round(one.rule, 4), by_rule),
            (name, "random legal edits", round(one.random, 4), "0%" if recovered else None),
        ]
    return [
        Table(
            "return",
            f"Mean reward of an episode of {setting.horizon} steps, added up, and the share of the policy's "
            "gain over random legal edits that is recovered.",
            ("from", "who edits", "return", "recovered"),
            tuple(rows),
        )
    ]


def _snapshot_table(snapshots: tuple[Snapshot, ...]) -> list[Table]:
    def cell(share: float | None) -> str | None:
        return None if share is None else percent(share)

    return [
        Table(
            "over_time",
            "The policy at its snapshots, in the states that it visits at the end: where it prefers some "
            f"edit, how often it decides as at the end and as before, how well {READABLE} rules give it, "
            "and its kinds of edits.",
            ("evaluations", "decided", "as at the end", "as before", f"{READABLE} rules", *KINDS),
            tuple(
                (
                    one.evaluations,
                    percent(one.decided),
                    cell(one.agrees_with_last),
                    cell(one.agrees_with_previous),
                    cell(one.fidelity),
                    *(cell(share) for share in one.kinds or (None,) * len(KINDS)),
                )
                for one in snapshots
            ),
        )
    ]


def _numbers(
    distilled: Distilled,
    rules: tuple[Rule, ...],
    earned: tuple[dict[str, Earnings], str] | str,
    snapshots: tuple[Snapshot, ...],
    setting: Setting,
) -> dict[str, Any]:
    def fidelity(one: Fidelity) -> dict[str, Any]:
        tree = distilled.trees.get(one.leaves)
        return {
            "leaves_at_most": one.leaves,
            "leaves": 1 if tree is None else tree.leaves,
            "visited": one.visited,
            "visited_interval": list(one.visited_interval),
            "everywhere": one.everywhere,
            "everywhere_interval": list(one.everywhere_interval),
        }

    def earning(one: Earnings) -> dict[str, Any]:
        return {
            "policy": one.policy,
            "tree": one.tree,
            "one_rule": one.rule,
            "one_rule_edit": str(setting.space.actions[one.rule_edit]),
            "random_legal": one.random,
            "recovered": one.recovered,
            "recovered_interval": None if one.interval is None else list(one.interval),
            "recovered_by_one_rule": one.recovered_by_rule,
        }

    return {
        "states": len(distilled.asked.valued),
        "share_of_space_with_a_preference": distilled.asked.known,
        "share_of_visits_without_a_preference": distilled.asked.indifferent,
        "fidelity": [fidelity(one) for one in distilled.curve],
        "one_rule": fidelity(distilled.rule) | {"edit": str(setting.space.actions[distilled.rule_edit])},
        "faithful_from": None if distilled.faithful is None else distilled.faithful.leaves,
        "shown": distilled.shown.leaves,
        "rules": [{"when": list(rule.when), "then": list(rule.then)} for rule in rules],
        "return": earned
        if isinstance(earned, str)
        else {name: earning(one) for name, one in earned[0].items()} | {"source": earned[1]},
        "snapshots": [
            {
                "evaluations": one.evaluations,
                "decided": one.decided,
                "agrees_with_last": one.agrees_with_last,
                "agrees_with_previous": one.agrees_with_previous,
                "kinds": None if one.kinds is None else dict(zip(KINDS, one.kinds, strict=True)),
                "fidelity": one.fidelity,
            }
            for one in snapshots
        ],
    }
