"""The facts of a run by name: for the tiles at the top of a report and the table at its end."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.tasks import DECODED
from nas_gym.traces import SHOWN, fingerprint_of_data, flat, versions

# Names of facts, to be filled in with the label of the metric.
SEEN = "{} that the search saw"
NEW_EXAMPLES = "{} on new examples"
TEST = "test {}, mean over {}"
SELECTED_TEST = "test {}, which the search selected on"


def facts_of(evidence: Evidence) -> dict[str, Any]:
    """Return the facts of a run by name, JSON-able."""
    config, space = evidence.config, evidence.search_space
    notes, split = evidence.problem.task.notes, evidence.problem.task.split
    failed = len(evidence.seen) - len(evidence.succeeded)
    requests = len(evidence.recording.asks)
    facts: dict[str, Any] = {
        "agent": config["agent"],
        "environment": config["env_id"],
        "search space": space.name,
        "architectures in the space": space.size,
        "task": evidence.problem.task.name,
        **({"how the data was read": "; ".join(notes)} if notes else {}),
        **({"how the data was split": split} if split else {}),
        "fingerprint of the data": fingerprint_of_data(config)[:SHOWN],
        "state of the run": state_of(evidence),
        "distinct evaluations": len(evidence.seen),
        "evaluations that failed": failed,
        "steps": len(evidence.steps),
        "evaluations requested without a step": requests,
        "policy snapshots": len(evidence.snapshots),
    }
    if evidence.succeeded:
        facts["found network"] = str(evidence.chosen.architecture)
        facts[SEEN.format(evidence.metric.label)] = evidence.chosen.score
    facts |= _final_scores(evidence)
    facts |= {f"agent's {name}": value for name, value in flat(config["config"]).items()}
    facts["numerics"] = config.get("numerics")
    facts["versions of the run"] = config.get("versions", {})
    facts["versions of the explanation"] = versions()
    facts["folder"] = str(evidence.folder.path)
    facts["command for this report"] = f"nas-gym explain {evidence.folder.path}"
    return facts


def state_of(evidence: Evidence) -> str:
    """Return how far the run had come when it was explained."""
    if evidence.result is not None:
        return "finished"
    if evidence.recording.end is not None:
        return "ended, not scored"
    return "not finished, explained as far as it got"


def title_of(evidence: Evidence) -> str:
    """Return the title of the report of a run."""
    return (
        f"Why this network? Agent {evidence.config['agent']}, task {evidence.problem.task.name}, "
        f"search space {evidence.search_space.name}"
    )


def _final_scores(evidence: Evidence) -> dict[str, Any]:
    """Return the scores of the found network retrained, or recorded in a table; {} for none."""
    result, label = evidence.result or {}, evidence.metric.label
    if "test_score" not in result:
        return {}
    seeds = "fresh seeds" if evidence.evaluator.table is None else "recorded seeds"
    if evidence.evaluator.selects_on_test:
        # The validation score is the same number: it is not shown beside it as if it were another.
        return {
            f"{SELECTED_TEST.format(label)}, {seeds}": result["test_score"],
            seeds: [score["seed"] for score in result["final"]],
        }
    facts = {
        f"validation {label}, mean over {seeds}": result["validation_score"],
        TEST.format(label, seeds): result["test_score"],
        seeds: [score["seed"] for score in result["final"]],
    }
    measured = [score["metrics"] for score in result["final"] if not score["error"]]
    for name, words in DECODED.items():
        if measured and all(name in each for each in measured):
            facts[f"{words} on the test examples"] = sum(each[name] for each in measured) / len(measured)
    new = result.get("on_new_examples")
    if new is None:
        return facts
    return {NEW_EXAMPLES.format(label): dict(new)} | facts
