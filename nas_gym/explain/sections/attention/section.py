"""What a policy looks at, in sentences, report tables and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.setting import setting_of
from nas_gym.explain.fact import Fact, measured
from nas_gym.explain.fact import counted as counted_fact
from nas_gym.explain.methods.attribution.policy_preferences import (
    MOST_PARTS,
    PolicyAttributions,
    attribute_preferences,
)
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.explain.methods.policies.states import Setting, policy_visits, sample_states
from nas_gym.explain.report.phrases import counted, finite, listed, percent
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.attention.figures import shares_figure, states_figure
from nas_gym.traces import TabularPolicy

KEY, QUESTION = "attention", "What does the policy look at?"
MOST_STATES = 24
REFERENCE = 2_000
NAMED = 3
KNOWS_LITTLE = 0.05
"""Share of the states with a preference below which a policy is too little to look into."""
STANDS_OUT = 1.3
"""How much more than an equal share the largest share must be."""
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
    found = attribute_preferences(decisions, visited, shares, reference)
    if found is None:
        return withheld(
            KEY,
            QUESTION,
            f"A state of this search space has more than {MOST_PARTS} parts, too many for exact "
            "attributions.",
        )
    known = _known(decisions, setting, reference)
    nothing = (
        f"With {counted(len(evidence.seen), 'trial')} the policy prefers some edit in {percent(known)} of "
        "the states, too few to say what it looks at."
        if known < KNOWS_LITTLE
        else _nothing(found)
    )
    return section_of(found, nothing)


ATTENTION = Question(KEY, QUESTION, explain_attention, about="agent", method=QUESTION)


def _known(decisions: Decisions, setting: Setting, reference: PolicyScores) -> float:
    """Return the share of the states of the space, or of a sample of it, with a preference."""
    share = float(reference.prefers.mean()) if len(reference) else 0.0
    if isinstance(decisions.policy, TabularPolicy):
        clocks = setting.horizon if setting.episodic else 1
        share *= len(decisions.policy.table) / (setting.space.size * clocks)
    return share


def _nothing(found: PolicyAttributions) -> str:
    """Return why nothing is told of the policy; "" where something is."""
    if not found.reliable.any():
        return "The attributions do not add up to what they explain: none is a fair account of the policy."
    if found.shares.max() * len(found.shares) < STANDS_OUT:
        return "No part of the state stands out in what the policy's choices depend on."
    return ""


def section_of(found: PolicyAttributions, nothing: str = "") -> Section:
    """Return the section of what was found out.

    Args:
        found: the attributions.
        nothing: why nothing is told of them; "" where something is.
    """
    order = np.argsort(-found.shares, kind="stable")
    answer = (nothing,) if nothing else (_on_parts(found, order), _on_state(found))
    return Section(
        KEY,
        QUESTION,
        answer=answer,
        details=(*_method(found), *([_on_parts(found, order)] if nothing and found.reliable.any() else [])),
        has_finding=not nothing,
        trust="" if nothing else _trust(found),
        tables=(_parts_table(found, order), _states_table(found)),
        figures=(shares_figure(found.names, found.shares), states_figure(found)),
        facts=facts_of(found),
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


def facts_of(found: PolicyAttributions) -> tuple[Fact, ...]:
    """Return the share of each part of a state, unknown where no attribution adds up."""
    reliable, count = int(found.reliable.sum()), len(found.states)
    over = f"{count} states that the policy visits most"
    return tuple(
        counted_fact(
            f"share of {name}",
            f"attributions to {name}",
            over,
            float(share),
            "share of attributions",
            reliable,
        )
        if reliable
        else measured(f"share of {name}", f"attributions to {name}", over, None, None, None, 0)
        for name, share in zip(found.names, found.shares, strict=True)
    )


def _on_parts(found: PolicyAttributions, order: np.ndarray) -> str:
    most = [f"{found.names[part]} ({percent(found.shares[part])})" for part in order[:3]]
    told = f"In the states it visits most, the policy's choice of an edit depends most on {listed(most)}"
    if len(order) <= 3:
        return f"{told}."
    least = order[-1]
    return f"{told}, and least on {found.names[least]} ({percent(found.shares[least])})."


def _on_state(found: PolicyAttributions) -> str:
    row = int(found.reliable.argmax())
    part = int(np.abs(found.values[row]).argmax())
    direction = "for" if found.values[row, part] > 0 else "against"
    return (
        f"For example, at `{found.states[row].key}` it prefers to {found.edits[row]}, and "
        f"{found.names[part]} speaks most {direction} it."
    )


def _trust(found: PolicyAttributions) -> str:
    return (
        f"This is about {counted(len(found.states), 'state')}, and says what the policy's scores depend on, "
        "not whether they are right."
    )


def _method(found: PolicyAttributions) -> list[str]:
    """Return what the attributions are, and whether they add up."""
    if found.method == "shapley":
        return ["These are exact Shapley values, which add up."]
    unreliable = int((~found.reliable).sum())
    if unreliable:
        return [
            f"In {counted(unreliable, 'state')} the attributions do not add up to within 1e-4 of the "
            "difference of the outputs: they are marked as unreliable and left out of the shares."
        ]
    largest = float(found.errors.max(initial=0.0))
    return [
        f"These are Integrated Gradients; they add up within {largest:.0e} of the difference of the outputs."
    ]


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
        "What speaks for and against the edit that the policy prefers, in the states it visits most: the "
        "parts with the largest contributions, in the units of the policy's scores.",
        ("state", "edit", "visits", "for it", "against it", "adds up"),
        tuple(
            (
                state.key,
                found.edits[row],
                percent(found.visits[row]),
                _largest(found.names, found.values[row]),
                _largest(found.names, -found.values[row], sign=-1),
                "yes" if found.reliable[row] else "no: unreliable",
            )
            for row, state in enumerate(found.states)
        ),
    )


def _largest(names: Sequence[str], values: np.ndarray, sign: int = 1) -> str | None:
    """Return the parts with the largest values above 0 with their contributions; None for none."""
    order = [int(part) for part in np.argsort(-values, kind="stable")[:NAMED] if values[part] > 0]
    return ", ".join(f"{names[part]} {sign * values[part]:+.2g}" for part in order) or None
