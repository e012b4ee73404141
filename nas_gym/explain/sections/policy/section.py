"""What did the agent learn? Its policy in rules, and how far the rules are the policy."""

from __future__ import annotations

import numpy as np

from nas_gym._clock import in_time
from nas_gym.envs import RecordedReward
from nas_gym.explain.broken_off import broken_off
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.scores import ArchitectureScores, Evaluations, scores_of_space
from nas_gym.explain.evidence.setting import setting_of
from nas_gym.explain.methods.policies.returns import DRAWN_STARTS, EarningsByStart, earnings
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.rules import rules_of
from nas_gym.explain.methods.policies.snapshots import over_time
from nas_gym.explain.methods.policies.states import Setting
from nas_gym.explain.methods.policies.viper import Distillation, distil
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, withheld
from nas_gym.explain.sections.policy.facts import facts_of
from nas_gym.explain.sections.policy.figures import curve_figure, over_time_figure, rules_figure
from nas_gym.explain.sections.policy.tables import (
    curve_table,
    earnings_table,
    numbers_of,
    rules_table,
    snapshot_table,
)
from nas_gym.explain.sections.policy.text import answer_of, details_of, trust

KEY, QUESTION = "policy", "What did the agent learn?"
NONE = (
    "The agent of this run left no policy over edits (it requests networks without editing one step by step, "
    "or its policy was not recorded), so there are no decisions to put into rules."
)
INDIFFERENT = (
    "The saved policy prefers no edit to another in any of the states examined (its scores are within 0.001 "
    "of each other), so there are no decisions to put into rules."
)


def explain_policy(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer what the policy learned.

    Args:
        evidence: evidence of the run.
        settings: the seed is that of walks, samples and folds.
    """
    last = evidence.policy()
    if last is None:
        return withheld(KEY, QUESTION, NONE, is_applicable=False)
    setting = setting_of(evidence, settings.seed)
    decisions = Decisions(last, setting.space)
    distilled = distil(decisions, setting, settings.seed)
    if distilled is None:
        return withheld(KEY, QUESTION, INDIFFERENT)
    shown = distilled.shown
    rules = rules_of(distilled.trees[shown.leaves], distilled.questions.all, setting.space.actions)
    earned = in_time(lambda: _earnings(evidence, decisions, distilled, setting, settings.seed))
    missing = [] if earned is not None else ["what the policy and its rules earn"]
    earned = earned or "There was no time to find out what the policy earns."
    policies = {number: evidence.policy(number) for number in evidence.snapshots}
    watched = {number: Decisions(one, setting.space) for number, one in policies.items() if one is not None}
    snapshots = in_time(lambda: over_time(watched, distilled.sample, setting, settings.seed))
    missing += [] if snapshots is not None else ["how the policy changed while it was trained"]
    snapshots = snapshots or ()
    section = Section(
        KEY,
        QUESTION,
        answer=answer_of(distilled, rules, earned, setting, len(evidence.seen)),
        details=details_of(distilled, earned, snapshots, setting),
        has_finding=distilled.faithful is not None,
        trust="" if distilled.faithful is None else trust(distilled),
        tables=(
            rules_table(distilled, rules),
            curve_table(distilled, setting),
            *earnings_table(earned, setting),
            *snapshot_table(snapshots),
        ),
        figures=(
            rules_figure(distilled, setting.space.actions),
            curve_figure(distilled),
            *([over_time_figure(snapshots)] if len(snapshots) > 1 else []),
        ),
        numbers=numbers_of(distilled, rules, earned, snapshots, setting),
        facts=facts_of(distilled, earned),
    )
    return broken_off(section, missing)


POLICY = Question(KEY, QUESTION, explain_policy, about="agent", method=QUESTION)


def _earnings(
    evidence: Evidence, decisions: Decisions, distilled: Distillation, setting: Setting, seed: int
) -> EarningsByStart:
    """Return the earnings from the run's start and from starts drawn uniformly, or why they are not known."""
    reward, leaves = evidence.problem.reward, distilled.shown.leaves
    if isinstance(reward, RecordedReward):
        return f"{reward.why[0].upper()}{reward.why[1:]}."
    if reward.sees == "scores":
        scores: ArchitectureScores | Evaluations | str = scores_of_space(evidence, seed)
    elif evidence.evaluator.free:
        scores = Evaluations(evidence.evaluator)
    else:
        return (
            "The reward is of whole evaluations, and those of networks that the run did not train cannot be "
            "estimated."
        )
    if isinstance(scores, str):
        return scores
    rng = np.random.default_rng(seed)
    starts = {
        "the run's start": setting.starts,
        "random starts": [setting.space.sample(rng) for _ in range(DRAWN_STARTS)],
    }
    found = {
        name: earnings(decisions, distilled, leaves, setting, some, reward, scores.of, seed)
        for name, some in starts.items()
    }
    return found, scores.source
