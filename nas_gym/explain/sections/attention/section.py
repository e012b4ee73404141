"""What a policy looks at, in sentences, report tables and numbers."""

from __future__ import annotations

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.setting import setting_of
from nas_gym.explain.methods.attribution.policy_preferences import (
    MOST_PARTS,
    PolicyAttributions,
    attribute_preferences,
)
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.states import policy_visits, sample_states
from nas_gym.explain.report.phrases import counted, finite, listed, percent
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.attention.figures import shares_figure, states_figure

KEY, QUESTION = "attention", "What does the policy look at?"
MOST_STATES = 24
REFERENCE = 2_000
NONE = "The agent of this run left no policy over edits, so there is no choice of an edit to explain."
INDIFFERENT = (
    "The saved policy prefers no edit to another in any of the states it visits, so its choice depends on "
    "nothing."
)


def explain_attention(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer what the policy looks at.

    Args:
        evidence: evidence of the run.
        settings: the seed is that of walks and samples.
    """
    policy = evidence.policy()
    if policy is None:
        return withheld(KEY, QUESTION, NONE)
    decisions, setting = Decisions(policy, evidence.search_space), setting_of(evidence, settings.seed)
    rng = np.random.default_rng(settings.seed)
    visits = policy_visits(decisions, setting, rng)
    visited = decisions.policy_scores([state for state, _ in visits.most_common()])
    visited = visited[np.flatnonzero(visited.prefers)[:MOST_STATES]]
    if len(visited) == 0:
        return withheld(KEY, QUESTION, INDIFFERENT)
    shares = np.array([visits[state] for state in visited.states], dtype=np.float64) / sum(visits.values())
    reference = decisions.policy_scores(sample_states(decisions, setting, REFERENCE, rng))
    found = attribute_preferences(decisions, visited, shares, reference)
    if found is None:
        return withheld(
            KEY,
            QUESTION,
            f"A state of this search space has more than {MOST_PARTS} parts, too many for exact "
            "attributions.",
        )
    return section_of(found)


ATTENTION = Question(KEY, QUESTION, explain_attention)


def section_of(found: PolicyAttributions) -> Section:
    """Return the section of what was found out."""
    order = np.argsort(-found.shares, kind="stable")
    return Section(
        KEY,
        QUESTION,
        answer=(*_on_parts(found, order), _on_state(found)),
        trust=_trust(found),
        tables=(_parts_table(found, order), _states_table(found)),
        figures=(shares_figure(found.names, found.shares), states_figure(found)),
        numbers={
            "method": found.method,
            "shares": dict(zip(found.names, found.shares.tolist(), strict=True)),
            "unreliable": int((~found.reliable).sum()),
            "largest_completeness_error": finite(found.errors.max()),
            "states": [
                {
                    "state": state.key,
                    "edit": found.edits[row],
                    "visits": float(found.visits[row]),
                    "attributions": dict(zip(found.names, found.values[row].tolist(), strict=True)),
                    "completeness_error": finite(found.errors[row]),
                    "reliable": bool(found.reliable[row]),
                }
                for row, state in enumerate(found.states)
            ],
        },
    )


def _on_parts(found: PolicyAttributions, order: np.ndarray) -> list[str]:
    if not found.reliable.any():
        return ["The attributions do not add up to what they explain: none is a fair account of the policy."]
    most = [f"{found.names[part]} ({percent(found.shares[part])})" for part in order[:3]]
    told = f"In the states it visits most, the policy's choice of an edit depends most on {listed(most)}"
    if len(order) <= 3:
        return [f"{told}."]
    least = order[-1]
    return [f"{told}, and least on {found.names[least]} ({percent(found.shares[least])})."]


def _on_state(found: PolicyAttributions) -> str:
    row = int(found.reliable.argmax())
    part = int(np.abs(found.values[row]).argmax())
    direction = "for" if found.values[row, part] > 0 else "against"
    return (
        f"For example, at {found.states[row].key} it prefers '{found.edits[row]}'; what speaks most "
        f"{direction} this edit is {found.names[part]} as it is there."
    )


def _trust(found: PolicyAttributions) -> str:
    count = counted(len(found.states), "state")
    if found.method == "shapley":
        return (
            f"These are exact Shapley values in {count}, of the preference for the edit over the mean legal "
            "edit, compared with its mean over the states that the policy knows; unknown parts are averaged "
            "over the states that agree in the known ones. They say what the policy's scores depend on, not "
            "whether the scores are right."
        )
    unreliable = int((~found.reliable).sum())
    largest = float(found.errors[found.reliable].max(initial=0.0))
    marked = f"they add up within {largest:.0e} of the difference of the outputs"
    if unreliable:
        marked = (
            f"in {unreliable} they do not add up to within 1e-4 of the difference of the outputs, and are "
            "marked as unreliable and left out of the shares"
        )
    return (
        f"These are Integrated Gradients in {count}, of the score of the edit minus the mean legal score, "
        f"with the average architecture of the space as the baseline; {marked}. They say what the network's "
        "output depends on, not whether it is right."
    )


def _parts_table(found: PolicyAttributions, order: np.ndarray) -> Table:
    signed = (found.visits * found.reliable)[:, None] * found.values
    mean = signed.sum(axis=0) / max(1e-12, float((found.visits * found.reliable).sum()))
    return Table(
        "parts",
        "The share of each part in the attributions, by their size and by how often the policy visits a "
        "state, and what the part adds to the score of the preferred edit on average.",
        ("part of the state", "share", "adds on average"),
        tuple((found.names[part], percent(found.shares[part]), float(f"{mean[part]:.3g}")) for part in order),
    )


def _states_table(found: PolicyAttributions) -> Table:
    return Table(
        "states",
        "What each part adds to the preference for the edit that the policy prefers, in the states it "
        "visits most.",
        ("state", "edit", "visits", *found.names, "adds up"),
        tuple(
            (
                state.key,
                found.edits[row],
                percent(found.visits[row]),
                *(float(f"{value:.3g}") for value in found.values[row]),
                "yes" if found.reliable[row] else "no: unreliable",
            )
            for row, state in enumerate(found.states)
        ),
    )
