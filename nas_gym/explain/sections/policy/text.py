"""A policy in rules: sentences."""

from __future__ import annotations

import numpy as np

from nas_gym.explain.methods.policies.returns import EarningsByStart
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.rules import Rule, shares_of
from nas_gym.explain.methods.policies.snapshots import KINDS, Snapshot
from nas_gym.explain.methods.policies.states import Setting
from nas_gym.explain.methods.policies.viper import FAITHFUL, LEAVES, READABLE, Distillation
from nas_gym.explain.report.phrases import counted, percent, percent_range

RULES_IN_WORDS = 3


def on_faithfulness(distilled: Distillation) -> list[str]:
    """Return how many rules it takes to describe the policy, and how faithful they are."""
    shown, faithful = distilled.shown, distilled.faithful
    leaves = distilled.trees[shown.leaves].leaves
    tree, reproduce = counted(leaves, "rule"), "reproduces" if leaves == 1 else "reproduce"
    right = (
        f"{percent(shown.visited)} of its decisions in the states it visits and "
        f"{percent(shown.everywhere)} of those in all states"
    )
    if faithful is None:
        best = max(distilled.curve, key=lambda one: one.least)
        return [
            f"No small tree is faithful: of trees with up to {LEAVES[-1]} rules even the best picks an edit "
            f"as good as the policy's own in {percent(best.least)} of the states that it was not grown "
            f"on, less than the {percent(FAITHFUL)} that would make it a fair summary. The policy has no "
            "simple pattern that the questions of the trees can express.",
            f"The closest small tree, of {tree}, reproduces {right}: read it as a hint, not as the policy.",
        ]
    if faithful.leaves > READABLE:
        size = counted(distilled.trees[faithful.leaves].leaves, "rule")
        return [
            f"It takes a tree of {size} to say what the agent does ({percent(faithful.least)} of its "
            f"decisions), too many to read. The {tree} shown here {reproduce} {right}."
        ]
    pronoun = "it" if leaves == 1 else "they"
    return [f"What the agent does can be said in {tree}: {pronoun} {reproduce} {right}."]


def on_rules(distilled: Distillation, rules: tuple[Rule, ...]) -> list[str]:
    """Return the rules that are used most."""
    shares = shares_of(
        distilled.trees[distilled.shown.leaves], distilled.sample.answers, distilled.sample.visits
    )
    most = sorted(rules, key=lambda rule: -shares[rule.leaf])[:RULES_IN_WORDS]
    told = [f"{rule} ({percent(shares[rule.leaf])} of its visits)" for rule in most if shares[rule.leaf] > 0]
    return [f"The rules used most: {' '.join(told)}"] if told else []


def on_earnings(earned: EarningsByStart, distilled: Distillation, setting: Setting) -> list[str]:
    """Return the share of the policy's earnings that the rules earn."""
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
            f"From {name} the rules alone earn {percent(one.recovered)} (95% interval "
            f"{percent_range(one.interval)}) of what the policy earns beyond random legal edits; the best "
            f"single rule, always '{edit}' where it is possible, earns {percent(one.recovered_by_rule)} of "
            "it."
        )
    return sentences


def on_change(snapshots: tuple[Snapshot, ...]) -> list[str]:
    """Return how the policy changed during training."""
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
        "it changed up to the end"
        if settled is last
        else f"from {counted(settled.evaluations, 'evaluation')} on it decided as at the end in "
        f"{percent(FAITHFUL)} of these states or more"
    )
    return [
        f"While the policy learned, it preferred {change} in the states that it visits at the end; {when}."
    ]


def trust(distilled: Distillation, decisions: Decisions, earned: EarningsByStart) -> str:
    """Return what the sentences rest on."""
    sample = distilled.sample
    count = counted(len(sample.policy_scores), "state")
    parts = [
        f"These shares are over {count} in which the policy prefers some edit. Each state was decided by "
        "trees grown without it (cross-validation), and an edit counts as right if the policy's own score "
        "for it is within 0.001 of its best."
    ]
    if sample.known < 1:
        parts.append(
            f"The policy has a preference in {percent(sample.known)} of the states of the space: about the "
            "others these rules say nothing."
        )
    if sample.indifferent > 0:
        parts.append(f"{percent(sample.indifferent)} of its own visits are to states in which it has none.")
    if not isinstance(earned, str):
        parts.append(
            f"Returns are computed from {earned[1]}; the policy and the rules always make the edit that they "
            "hold for best."
        )
    return " ".join(parts)
