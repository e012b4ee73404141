"""A policy in rules: what is said of them."""

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


def on_fidelity(distilled: Distillation) -> list[str]:
    """Return how many rules it takes, and how far they are the policy."""
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


def on_rules(distilled: Distillation, rules: tuple[Rule, ...]) -> list[str]:
    """Return the rules that are used most."""
    shares = shares_of(
        distilled.trees[distilled.shown.leaves], distilled.sample.answers, distilled.sample.visits
    )
    most = sorted(rules, key=lambda rule: -shares[rule.leaf])[:RULES_IN_WORDS]
    told = [f"{rule} ({percent(shares[rule.leaf])} of its visits)" for rule in most if shares[rule.leaf] > 0]
    return [f"Used most: {' '.join(told)}"] if told else []


def on_earnings(earned: EarningsByStart, distilled: Distillation, setting: Setting) -> list[str]:
    """Return what the rules earn of what the policy earns."""
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


def on_change(snapshots: tuple[Snapshot, ...]) -> list[str]:
    """Return how the policy came to be what it is."""
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


def trust(distilled: Distillation, decisions: Decisions, earned: EarningsByStart) -> str:
    """Return what the sentences rest on."""
    sample = distilled.sample
    count = counted(len(sample.policy_scores), "state")
    parts = [
        f"Asked were {count} in which the policy prefers some edit; each was asked of trees grown without "
        "it (cross-validation), and an edit counts as right if the policy's own score for it is within "
        "0.001 of its best."
    ]
    if sample.known < 1:
        parts.append(
            f"The policy has a preference in {percent(sample.known)} of the states of the space: of the rest "
            "these rules say nothing."
        )
    if sample.indifferent > 0:
        parts.append(f"{percent(sample.indifferent)} of its own visits are to states in which it has none.")
    if not isinstance(earned, str):
        parts.append(
            "For returns the policy makes the edit it scores best, every time, and so do the rules; they are "
            f"computed from {earned[1]}."
        )
    return " ".join(parts)
