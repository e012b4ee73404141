"""A policy in rules: report tables and numbers."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.methods.policies.faithfulness import Faithfulness
from nas_gym.explain.methods.policies.returns import Earnings, EarningsByStart
from nas_gym.explain.methods.policies.rules import Rule, shares_of
from nas_gym.explain.methods.policies.snapshots import KINDS, Snapshot
from nas_gym.explain.methods.policies.states import Setting
from nas_gym.explain.methods.policies.viper import READABLE, Distillation
from nas_gym.explain.report.phrases import percent, percent_range
from nas_gym.explain.section import Table


def rules_table(distilled: Distillation, rules: tuple[Rule, ...]) -> Table:
    """Return the rules, and the share of states in which each applies."""
    tree, sample = distilled.trees[distilled.shown.leaves], distilled.sample
    visits = shares_of(tree, sample.answers, sample.visits)
    everywhere = shares_of(tree, sample.answers, sample.everywhere)
    return Table(
        "rules",
        "The policy in rules: exactly one applies to a state. The shares are those of the states in which it "
        "applies, by how often the policy visits them and of all states equally.",
        ("when", "edit", "visits", "states"),
        tuple(
            (rule.condition, rule.action, percent(visits[rule.leaf]), percent(everywhere[rule.leaf]))
            for rule in rules
        ),
        shown=READABLE,
    )


def curve_table(distilled: Distillation, setting: Setting) -> Table:
    """Return faithfulness by the number of rules."""
    edit = setting.space.actions[distilled.rule_edit]
    named = [
        (f"one: '{edit}'" if one is distilled.rule else f"up to {one.leaves}", one)
        for one in (distilled.rule, *distilled.curve)
    ]
    return Table(
        "faithfulness",
        "The share of states, not seen when the tree was grown, in which its edit is as good as the best by "
        "the policy's own score, with 95% intervals over states.",
        ("rules", "states the policy visits", "all states equally"),
        tuple(
            (
                name,
                f"{percent(one.visited)} ({percent_range(one.visited_interval)})",
                f"{percent(one.everywhere)} ({percent_range(one.everywhere_interval)})",
            )
            for name, one in named
        ),
    )


def earnings_table(earned: EarningsByStart, setting: Setting) -> list[Table]:
    """Return the returns of the policy, of its rules and of a single rule."""
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
            f"The mean sum of rewards in an episode of {setting.horizon} steps, and the share of the "
            "policy's gain over random legal edits that is recovered.",
            ("from", "who edits", "return", "recovered"),
            tuple(rows),
        )
    ]


def snapshot_table(snapshots: tuple[Snapshot, ...]) -> list[Table]:
    """Return the policy over time."""

    def cell(share: float | None) -> str | None:
        return None if share is None else percent(share)

    return [
        Table(
            "over_time",
            "The policy at its snapshots, in the states that it visits at the end: the share in which it "
            "prefers some edit, how often it decides as at the end and as at the snapshot before, how "
            f"faithful {READABLE} rules are to it, and its kinds of edits.",
            ("evaluations", "decided", "as at the end", "as before", f"{READABLE} rules", *KINDS),
            tuple(
                (
                    one.evaluations,
                    percent(one.decided),
                    cell(one.agrees_with_last),
                    cell(one.agrees_with_previous),
                    cell(one.faithfulness),
                    *(cell(share) for share in one.kinds or (None,) * len(KINDS)),
                )
                for one in snapshots
            ),
        )
    ]


def numbers_of(
    distilled: Distillation,
    rules: tuple[Rule, ...],
    earned: EarningsByStart,
    snapshots: tuple[Snapshot, ...],
    setting: Setting,
) -> dict[str, Any]:
    """Return every number of the section."""

    def faithfulness(one: Faithfulness) -> dict[str, Any]:
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
        "states": len(distilled.sample.policy_scores),
        "share_of_space_with_a_preference": distilled.sample.known,
        "share_of_visits_without_a_preference": distilled.sample.indifferent,
        "faithfulness": [faithfulness(one) for one in distilled.curve],
        "one_rule": faithfulness(distilled.rule) | {"edit": str(setting.space.actions[distilled.rule_edit])},
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
                "faithfulness": one.faithfulness,
            }
            for one in snapshots
        ],
    }
