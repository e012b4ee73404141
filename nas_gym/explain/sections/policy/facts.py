"""What is known of a policy in rules, as facts."""

from __future__ import annotations

from collections.abc import Iterator

from nas_gym.explain.fact import Fact, measured
from nas_gym.explain.methods.policies.returns import Earnings, EarningsByStart
from nas_gym.explain.methods.policies.viper import Distillation

WIDE = 1.0
"""Width of the interval of a share from which on the share says nothing."""
STATES = "share of states"


def facts_of(distilled: Distillation, earned: EarningsByStart) -> tuple[Fact, ...]:
    """Return every fact of the section."""
    return (*_faithfulness(distilled), *_earnings(earned))


def recovered(name: str, one: Earnings) -> Fact:
    """Return the share of what the policy earns beyond random edits that its rules earn.

    It cannot be known where the policy is not shown to earn more than random edits, or hardly does.
    """
    of = "what the rules earn of what the policy earns beyond random edits"
    key, over, unit = f"recovered from {name}", f"episodes from {name}", "share of earnings"
    if one.recovered is None or one.interval is None or one.interval[1] - one.interval[0] > WIDE:
        return measured(key, of, over, None, None, None, 0, unit)
    return measured(key, of, over, one.recovered, *one.interval, 0, unit)


def _faithfulness(distilled: Distillation) -> Iterator[Fact]:
    states = len(distilled.sample.policy_scores)
    over = f"{states} states that the rules were not made from"
    for one in distilled.curve:
        of = f"states in which up to {one.leaves} rules decide as well as the policy"
        for which, share, ends in (
            ("visited", one.visited, one.visited_interval),
            ("all", one.everywhere, one.everywhere_interval),
        ):
            key = f"faithfulness of {one.leaves} rules, {which} states"
            yield measured(key, of, over, share, *ends, states, STATES)


def _earnings(earned: EarningsByStart) -> Iterator[Fact]:
    if not isinstance(earned, str):
        for name, one in earned[0].items():
            yield recovered(name, one)
