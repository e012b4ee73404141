"""Reasons are ordered by what undoing them costs, and a choice that can be undone for nothing is none."""

from types import SimpleNamespace

import numpy as np
import pytest

from nas_gym.explain.sections.alternatives.costs import undone
from nas_gym.explain.sections.summary.reasons import reasons_for
from nas_gym.search_spaces import make_search_space

SPACE = make_search_space("mlp", (40,), 10)
FOUND = SPACE.parse("tanh-64 > relu-64 > relu-64")
EVIDENCE = SimpleNamespace(search_space=SPACE, chosen=SimpleNamespace(architecture=FOUND))


def neighbour(one, action, change, half, verdict="unclear"):
    known = change is not None
    return {
        "architecture": str(one),
        "edit": str(SPACE.actions[action]),
        "change": change,
        "low": change - half if known and half is not None else None,
        "high": change + half if known and half is not None else None,
        "verdict": verdict,
    }


def with_costs(alternatives):
    """Neighbours with what the edits that undo each choice cost, their intervals no narrower than one's."""
    undoing = []
    for choice, group in by_choice(alternatives["neighbours"]).items():
        trained = [one for one in group if one["change"] is not None]
        if trained:
            repeated = all(one["low"] is not None for one in trained)
            cost = {"choice": choice, "edits": len(trained)}
            cost["cost"] = -float(np.mean([one["change"] for one in trained]))
            for key, end in (("low", "high"), ("high", "low")):
                cost[key] = -float(np.mean([one[end] for one in trained])) if repeated else None
            undoing.append(cost)
    return alternatives | {"undoing": undoing}


def table(seed):
    """Neighbours with random changes; some failed, some were not affordable."""
    rng = np.random.default_rng(seed)
    tested, left = [], []
    for one, action in SPACE.neighbours(FOUND).items():
        if rng.random() < 0.3:
            left.append({"edit": str(SPACE.actions[action]), "architecture": str(one)})
        elif rng.random() < 0.1:
            tested.append(neighbour(one, action, None, None, "fails"))
        else:
            change = float(rng.normal(-0.04, 0.03))
            tested.append(neighbour(one, action, change, float(rng.uniform(0.001, 0.03))))
    return with_costs({"neighbours": tested, "not_affordable": left})


def choices(seed):
    rng = np.random.default_rng(seed)
    return {
        "choices": [
            {"name": name, "importance": rng.random() / 100, "p": rng.random(), "significant": bool(k % 2)}
            for k, name in enumerate(SPACE.variables)
        ]
    }


def by_choice(neighbours):
    own, groups = SPACE.encode(FOUND), {}
    for one in neighbours:
        groups.setdefault(undone(SPACE, own, SPACE.encode(SPACE.parse(one["architecture"]))), []).append(one)
    return groups


@pytest.mark.parametrize("seed", range(30))
def test_costs_never_rise_and_no_reason_has_an_alternative_that_helps(seed):
    alternatives = table(seed)
    reasons = reasons_for(EVIDENCE, alternatives, choices(seed))
    costs = [np.inf if one.cost is None else one.cost for one in reasons]
    assert costs == sorted(costs, reverse=True)
    groups, left = by_choice(alternatives["neighbours"]), by_choice(alternatives["not_affordable"])
    for one in reasons:
        changes = [each["change"] for each in groups[one.choice] if each["change"] is not None]
        assert all(change <= 0 for change in changes)
        assert one.cost is None or one.low > 0
        assert one.undone == len(groups[one.choice])
        assert one.untested == len(left.get(one.choice, []))
        assert one.failing == one.undone - len(changes)


def some(*changes, half=0.01):
    """The neighbours that undo the first layer's activation, with these changes."""
    group = by_choice(table_of(half))["layer 1 activation"]
    neighbours = [
        one | {"change": c, "low": lo, "high": hi, "verdict": v}
        for one, (c, lo, hi, v) in zip(group, (told(change, half) for change in changes), strict=False)
    ]
    return with_costs({"neighbours": neighbours})


def told(change, half):
    if change is None:
        return None, None, None, "fails"
    return (change, *((None, None) if half is None else (change - half, change + half)), "unclear")


def table_of(half):
    return [neighbour(one, action, -0.05, half) for one, action in SPACE.neighbours(FOUND).items()]


def names(alternatives):
    return [one.choice for one in reasons_for(EVIDENCE, alternatives, {})]


def test_a_choice_whose_undoing_helps_one_way_is_none():
    assert names(some(-0.08, -0.06)) == ["layer 1 activation"]
    assert names(some(-0.20, 0.001)) == []


def test_a_choice_is_none_where_nothing_was_repeated_or_the_loss_is_not_sure():
    assert names(some(-0.08, -0.06, half=None)) == []
    assert names(some(-0.02, -0.01, half=0.05)) == []


def test_without_it_networks_fail_is_said_only_where_all_of_them_do():
    (all_fail,) = reasons_for(EVIDENCE, some(None, None), {})
    assert all_fail.cost is None
    (some_fail,) = reasons_for(EVIDENCE, some(None, -0.06), {})
    assert some_fail.cost == pytest.approx(0.06)
    assert some_fail.failing == 1
    assert names(some(None, 0.03)) == []
