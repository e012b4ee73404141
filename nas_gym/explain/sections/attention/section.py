"""What is said of what a policy looks at: sentences, tables and numbers."""

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
NONE = (
    "The agent of this run left no policy over edits, so there is none that looks at a state to choose one."
)
INDIFFERENT = (
    "The saved policy prefers no edit to another in any of the states it visits, so that its choice hangs "
    "on nothing."
)


def explain_attention(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer what the policy looks at.

    Args:
        evidence: evidence of the run.
        settings: the seed is of walks and samples.
    """
    policy = evidence.policy()
    if policy is None:
        return withheld(KEY, QUESTION, NONE, is_applicable=False)
    decisions, setting = Decisions(policy, evidence.search_space), setting_of(evidence, settings.seed)
    rng = np.random.default_rng(settings.seed)
    visits = policy_visits(decisions, setting, rng)
    visited = decisions.policy_scores([state for state, _ in visits.most_common()])
    visited = visited[np.flatnonzero(visited.prefers)[:MOST_STATES]]
    if len(visited) == 0:
        return withheld(KEY, QUESTION, INDIFFERENT)
    shares = np.array([visits[state] for state in visited.states], dtype=np.float64) / sum(visits.values())
    reference = decisions.policy_scores(sample_states(decisions, setting, REFERENCE, rng))
    looked = attribute_preferences(decisions, visited, shares, reference)
    if looked is None:
        return withheld(
            KEY, QUESTION, f"A state of this search space has more than {MOST_PARTS} parts, too many."
        )
    return section_of(looked)


ATTENTION = Question(KEY, QUESTION, explain_attention, about="agent")


def section_of(looked: PolicyAttributions) -> Section:
    """Return the section."""
    order = np.argsort(-looked.shares, kind="stable")
    return Section(
        KEY,
        QUESTION,
        answer=(*_on_parts(looked, order), _on_state(looked)),
        trust=_trust(looked),
        tables=(_parts_table(looked, order), _states_table(looked)),
        figures=(shares_figure(looked.names, looked.shares), states_figure(looked)),
        numbers={
            "method": looked.method,
            "shares": dict(zip(looked.names, looked.shares.tolist(), strict=True)),
            "unreliable": int((~looked.reliable).sum()),
            "largest_completeness_error": finite(looked.errors.max()),
            "states": [
                {
                    "state": state.key,
                    "edit": looked.edits[row],
                    "visits": float(looked.visits[row]),
                    "attributions": dict(zip(looked.names, looked.values[row].tolist(), strict=True)),
                    "completeness_error": finite(looked.errors[row]),
                    "reliable": bool(looked.reliable[row]),
                }
                for row, state in enumerate(looked.states)
            ],
        },
    )


def _on_parts(looked: PolicyAttributions, order: np.ndarray) -> list[str]:
    if not looked.reliable.any():
        return ["No attribution added up to what it explains, so that none is a fair account of the policy."]
    most = [f"{looked.names[part]} ({percent(looked.shares[part])})" for part in order[:3]]
    told = f"In the states it visits most, the policy's choice of an edit hangs most on {listed(most)}"
    if len(order) <= 3:
        return [f"{told}."]
    least = order[-1]
    return [f"{told}, and least on {looked.names[least]} ({percent(looked.shares[least])})."]


def _on_state(looked: PolicyAttributions) -> str:
    row = int(looked.reliable.argmax())
    part = int(np.abs(looked.values[row]).argmax())
    direction = "for" if looked.values[row, part] > 0 else "against"
    return (
        f"For example at {looked.states[row].key} it prefers '{looked.edits[row]}'; what speaks most "
        f"{direction} it is {looked.names[part]} as it is there."
    )


def _trust(looked: PolicyAttributions) -> str:
    count = counted(len(looked.states), "state")
    if looked.method == "shapley":
        return (
            f"Exact Shapley values in {count}: the preference for the edit over the mean legal edit, "
            "compared with its mean over the states that the policy knows; unknown parts are averaged over "
            "the states that agree in the known ones. They say what its scores depend on, not whether the "
            "scores are right."
        )
    unreliable = int((~looked.reliable).sum())
    largest = float(looked.errors[looked.reliable].max(initial=0.0))
    marked = f"they add up within {largest:.0e} of the difference of the outputs"
    if unreliable:
        marked = (
            f"in {unreliable} they do not add up within 1e-4 of the difference of the outputs and are marked "
            "as unreliable and left out of the shares"
        )
    return (
        f"Integrated Gradients in {count}, of the score of the edit minus the mean legal score, against the "
        f"average architecture of the space as the baseline; {marked}. They say what the network's output "
        "depends on, not whether it is right."
    )


def _parts_table(looked: PolicyAttributions, order: np.ndarray) -> Table:
    signed = (looked.visits * looked.reliable)[:, None] * looked.values
    mean = signed.sum(axis=0) / max(1e-12, float((looked.visits * looked.reliable).sum()))
    return Table(
        "parts",
        "How much of the attribution is each part's, by size and by how often the policy visits a state; "
        "and what the part adds to the score of the preferred edit on average.",
        ("part of the state", "share", "adds on average"),
        tuple(
            (looked.names[part], percent(looked.shares[part]), float(f"{mean[part]:.3g}")) for part in order
        ),
    )


def _states_table(looked: PolicyAttributions) -> Table:
    return Table(
        "states",
        "What each part adds to the preference for the edit that the policy prefers, in the states it "
        "visits most.",
        ("state", "edit", "visits", *looked.names, "adds up"),
        tuple(
            (
                state.key,
                looked.edits[row],
                percent(looked.visits[row]),
                *(float(f"{value:.3g}") for value in looked.values[row]),
                "yes" if looked.reliable[row] else "no: unreliable",
            )
            for row, state in enumerate(looked.states)
        ),
    )
