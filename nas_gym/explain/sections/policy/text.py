"""A policy in rules: sentences."""

from __future__ import annotations

import numpy as np

from nas_gym.explain.methods.policies.returns import EarningsByStart
from nas_gym.explain.methods.policies.rules import Rule, shares_of
from nas_gym.explain.methods.policies.snapshots import KINDS, Snapshot
from nas_gym.explain.methods.policies.states import Setting
from nas_gym.explain.methods.policies.viper import FAITHFUL, LEAVES, READABLE, Distillation
from nas_gym.explain.report.phrases import counted, percent, percent_range
from nas_gym.explain.sections.policy.facts import recovered

KNOWS = 0.5
"""Share of the states in which a policy that knows the space prefers some edit."""


def answer_of(
    distilled: Distillation, rules: tuple[Rule, ...], earned: EarningsByStart, setting: Setting, trials: int
) -> tuple[str, ...]:
    """Return the policy in rules, or in one sentence that no rule is worth telling."""
    if distilled.faithful is None:
        return (_nothing(distilled, trials),)
    return (_faithful(distilled), *on_rules(distilled, rules), *_earned(earned, setting))


def details_of(
    distilled: Distillation,
    earned: EarningsByStart,
    snapshots: tuple[Snapshot, ...],
    setting: Setting,
) -> tuple[str, ...]:
    """Return what a page folds away: how faithful, what rules earn, and how the policy changed."""
    unfaithful = [] if distilled.faithful is not None else _unfaithful(distilled)
    earnings = on_earnings(earned, setting)
    return (*unfaithful, *earnings, *on_change(snapshots), *_states(distilled), *_source(earned))


def _nothing(distilled: Distillation, trials: int) -> str:
    """Return that nothing which could be told was learned."""
    told = f"With {counted(trials, 'trial')} the agent learned no rule worth telling"
    if distilled.sample.known < KNOWS:
        return f"{told} (it prefers some edit in {percent(distilled.sample.known)} of the states)."
    best = max(distilled.curve, key=lambda one: one.least)
    return (
        f"{told}: no small tree is faithful, since even one of {LEAVES[-1]} rules agrees with it in only "
        f"{percent(best.least)} of the states."
    )


def _reproduced(distilled: Distillation) -> str:
    return (
        f"{percent(distilled.shown.visited)} of its decisions in the states it visits and "
        f"{percent(distilled.shown.everywhere)} of those in all states"
    )


def _faithful(distilled: Distillation) -> str:
    """Return how many rules it takes to describe the policy."""
    faithful = distilled.faithful
    assert faithful is not None
    leaves = distilled.trees[distilled.shown.leaves].leaves
    tree, reproduce = counted(leaves, "rule"), "reproduces" if leaves == 1 else "reproduce"
    if faithful.leaves > READABLE:
        size = counted(distilled.trees[faithful.leaves].leaves, "rule")
        return (
            f"It takes {size} to say what the agent does ({percent(faithful.least)} of its decisions), too "
            f"many to read; the {tree} shown here {reproduce} {_reproduced(distilled)}."
        )
    pronoun = "it" if leaves == 1 else "they"
    return f"What the agent does can be said in {tree}: {pronoun} {reproduce} {_reproduced(distilled)}."


def _unfaithful(distilled: Distillation) -> list[str]:
    """Return how far the best trees are from a fair summary."""
    best = max(distilled.curve, key=lambda one: one.least)
    tree = counted(distilled.trees[distilled.shown.leaves].leaves, "rule")
    return [
        f"No small tree is faithful: of trees with up to {LEAVES[-1]} rules even the best picks an edit as "
        f"good as the policy's own in only {percent(best.least)} of the states that it was not grown on; "
        f"{percent(FAITHFUL)} would make it a fair summary.",
        f"The closest small tree, of {tree}, reproduces {_reproduced(distilled)}: read it as a hint, not as "
        "the policy.",
    ]


def on_rules(distilled: Distillation, rules: tuple[Rule, ...]) -> list[str]:
    """Return the rule that is used most."""
    shares = shares_of(
        distilled.trees[distilled.shown.leaves], distilled.sample.answers, distilled.sample.visits
    )
    most = max(rules, key=lambda rule: shares[rule.leaf])
    told = str(most).rstrip(".")
    return [f"The rule used most ({percent(shares[most.leaf])} of its visits): {told[:1].lower()}{told[1:]}."]


def _earned(earned: EarningsByStart, setting: Setting) -> list[str]:
    """Return what the rules earn from the run's start, where that can be said."""
    return [] if isinstance(earned, str) else on_earnings(earned, setting)[:1]


def on_earnings(earned: EarningsByStart, setting: Setting) -> list[str]:
    """Return the share of the policy's earnings that the rules earn."""
    if isinstance(earned, str):
        return [f"Whether the rules earn what the policy earns is not known: {earned[0].lower()}{earned[1:]}"]
    sentences = []
    for name, one in earned[0].items():
        share = recovered(name, one)
        if not share.is_shown or one.interval is None:
            how = "not shown to be" if one.recovered is None else "hardly"
            sentences.append(
                f"From {name} the policy is {how} better than random edits ({one.policy:.3f} against "
                f"{one.random:.3f} an episode), so rules cannot be judged by what they earn."
            )
            continue
        edit = setting.space.actions[one.rule_edit]
        sentences.append(
            f"From {name} the rules alone earn {percent(share.value)} (95% interval "
            f"{percent_range(one.interval)}) of what the policy earns beyond random edits; the best single "
            f"rule, always to {edit}, earns {percent(one.recovered_by_rule or 0.0)}."
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


def trust(distilled: Distillation) -> str:
    """Return what the sentences rest on."""
    count = counted(len(distilled.sample.policy_scores), "state")
    share = f", {percent(distilled.sample.known)} of all" if distilled.sample.known < 1 else ""
    return (
        f"This is about the {count}{share} in which the policy prefers some edit; whether its preferences "
        "are right is another question."
    )


def _states(distilled: Distillation) -> list[str]:
    """Return the states in which the policy prefers nothing."""
    sample, parts = distilled.sample, []
    if sample.known < 1:
        parts.append(
            f"The policy has a preference in {percent(sample.known)} of the states of the space: about the "
            "others these rules say nothing."
        )
    if sample.indifferent > 0:
        parts.append(f"{percent(sample.indifferent)} of its own visits are to states in which it has none.")
    return parts


def _source(earned: EarningsByStart) -> list[str]:
    """Return what the returns are computed from."""
    if isinstance(earned, str):
        return []
    return [
        f"Returns are computed from {earned[1]}; the policy and the rules always make the edit that they "
        "hold for best."
    ]
