"""The best networks of all runs, by scores that nothing was chosen by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.evaluators import Request, score_interval
from nas_gym.explain.evidence.rescoring import SEEDS, measure
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.together import OneRun, Together
from nas_gym.explain.fact import Fact, difference, loses_less, measured
from nas_gym.explain.methods.significance.dunnett import against_control
from nas_gym.search_spaces import Architecture

MARGIN = 0.01
"""A difference of scores that matters to a user: one point."""
FEWEST_GOOD, LEADING = 5, 10
"""Of fewer networks within a point of the best little can be told; then the first ten are asked."""
TRAININGS = 120
"""New trainings of the best networks by default; the runs have made some thousand."""
MOST_COMPUTED, SEEDS_COMPUTED = 200, 10
"""Networks and seeds that a function is asked for, which costs nothing."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that was scored by what no search saw.

    Attributes:
        architecture: the network.
        scores: its scores, one for each training, float64 (trainings,).
        score: its score, with the luck of few trainings taken out (see `BestNetworks`).
        change: its score minus that of the best.
        kept_by: numbers of the runs that chose it.
        tried_by: numbers of the runs that evaluated it.
    """

    architecture: Architecture
    scores: np.ndarray
    score: float
    change: Fact
    kept_by: tuple[int, ...]
    tried_by: tuple[int, ...]

    def __str__(self) -> str:
        return str(self.architecture)


@dataclass(frozen=True, eq=False)
class BestNetworks:
    """The best networks of all runs.

    Attributes:
        candidates: the networks that were scored, the best first. Each score is drawn towards the mean of all
            by as much as the trainings of one network differ (James and Stein 1961), unless it was recorded.
        good: those within a point of the best.
        source: where the scores come from, in words.
        unscored: architectures of the runs that were not scored.
        quote: score of the best on examples that nothing was chosen by.
        trainings: trainings that the quoted score is a mean of.
    """

    candidates: tuple[Candidate, ...]
    good: tuple[Candidate, ...]
    source: str
    unscored: int
    quote: Fact
    trainings: int

    @property
    def best(self) -> Candidate:
        """The best network."""
        return self.candidates[0]

    @property
    def sure(self) -> int:
        """How many of the good ones beside the best are shown to lose less than a point."""
        return sum(loses_less(one.change.low, MARGIN) for one in self.good[1:])

    @property
    def leading(self) -> tuple[Candidate, ...]:
        """The networks that are asked what they share: the good ones, the first ten if those are too few."""
        return self.good if len(self.good) >= FEWEST_GOOD else self.candidates[:LEADING]

    def of(self, text: str | None) -> Candidate | None:
        """Return a network that was scored, by its text."""
        return next((one for one in self.candidates if str(one) == text), None)


def best_networks(together: Together, budget: int | None) -> BestNetworks:
    """Return the best networks of all runs.

    Networks that runs chose have the scores of their results. Those that scored highest in the searches are
    trained again with seeds that no run used. All are trainings that no search saw. The best by these is then
    trained once more for the number to quote, since it was chosen by the others.

    Args:
        together: the runs.
        budget: new trainings at most; None for 120, 0 for none.
    """
    evidence = together.evidence
    most = TRAININGS if budget is None else budget
    scores, source = _scores(together, most)
    texts = [text for text, values in scores.items() if len(values)]
    architectures = {str(one.architecture): one.architecture for one in evidence.seen}
    arrays = [np.array(scores[text]) for text in texts]
    estimates = _shrunk(arrays) if evidence.evaluator.table is None else np.array([a.mean() for a in arrays])
    order = np.argsort(-estimates, kind="stable")
    changes = _changes(evidence, [texts[n] for n in order], [arrays[n] for n in order], estimates[order])
    kept = [run.chosen for run in together.runs]
    candidates = tuple(
        Candidate(
            architectures[texts[n]],
            arrays[n],
            float(estimates[n]),
            change,
            tuple(number for number, text in enumerate(kept) if text == texts[n]),
            tuple(number for number, run in enumerate(together.runs) if texts[n] in run.architectures),
        )
        for n, change in zip(order, changes, strict=True)
    )
    good = tuple(one for one in candidates if one.score >= candidates[0].score - MARGIN)
    quote, trainings = _quote(together, candidates[0], most)
    return BestNetworks(candidates, good, source, len(architectures) - len(candidates), quote, trainings)


def _scores(together: Together, most: int) -> tuple[dict[str, list[float]], str]:
    """Return scores that no search saw by architecture, and where they come from."""
    evidence = together.evidence
    evaluator = evidence.evaluator
    if evaluator.table is not None:
        everything = list({str(one.architecture): one.architecture for one in evidence.succeeded}.values())
        fresh = measure(evidence, dict.fromkeys(everything, SEEDS))
        return {text: list(values) for text, values in fresh.scores.items()}, f"their scores {fresh.source}"
    found = _finals(together.runs)
    ranked = _ranked(evidence)
    seeds, count = SEEDS, max(0, (most - SEEDS) // SEEDS)
    if evaluator.free:
        seeds, count = SEEDS_COMPUTED, MOST_COMPUTED
    # First the choices of runs without a result, of which no new score is known.
    waiting = [run.chosen for run in together.unfinished]
    known = {str(one): one for one in ranked}
    first = [known[text] for text in dict.fromkeys(waiting) if text in known and text not in found]
    wanted = list({str(one): one for one in [*first, *ranked]}.values())[:count]
    for architecture, values in _trained(together, wanted, seeds).items():
        found.setdefault(architecture, []).extend(values)
    if evaluator.trains:
        source = "new trainings with seeds that no search used"
    else:
        source = "new evaluations with seeds that no search used"
    if not any(found.values()):
        # Nothing may be trained, and no run has come to its end.
        seen = {str(one.architecture): [one.score] for one in evidence.succeeded if one.fidelity is None}
        return seen or {
            str(evidence.chosen.architecture): [evidence.chosen.score]
        }, "what the searches saw, which is optimistic"
    return found, source


def _finals(runs: Sequence[OneRun]) -> dict[str, list[float]]:
    """Return the final scores of the networks that runs chose; a training that two runs share counts once."""
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        for one in (run.result or {}).get("final", ()):
            if not one["error"] and run.chosen is not None:
                found.setdefault(run.chosen, {})[one["seed"]] = one["validation_score"]
    return {text: list(values.values()) for text, values in found.items()}


def _ranked(evidence: Evidence) -> list[Architecture]:
    """Return the architectures that did not fail, the highest fidelity and score first."""
    ordered = sorted(
        evidence.succeeded,
        key=lambda one: (math.inf if one.fidelity is None else one.fidelity, one.score),
        reverse=True,
    )
    return list({str(one.architecture): one.architecture for one in ordered}.values())


def _trained(together: Together, wanted: Sequence[Architecture], count: int) -> dict[str, list[float]]:
    """Return new scores with seeds beyond those of every run."""
    evaluator = together.evidence.evaluator
    seeds = _unused_seeds(together, 1, count)
    requests = [Request(one, seed) for one in wanted for seed in seeds]
    found: dict[str, list[float]] = {}
    for request, evaluation in zip(requests, evaluator.evaluate(requests), strict=True):
        if not evaluation.failed:
            found.setdefault(str(request.architecture), []).append(evaluation.score)
    return found


def _unused_seeds(together: Together, block: int, count: int) -> list[int]:
    """Return training seeds that no run used, others for every block."""
    beyond = max(run.seed for run in together.runs) + 1
    return together.evidence.evaluator.final_seeds(beyond + block, max(count, SEEDS))[:count]


def _shrunk(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return means drawn towards the mean of all, by how much the trainings of one network differ."""
    counts = np.array([len(values) for values in arrays])
    means = np.array([values.mean() for values in arrays])
    freedom = int((counts - 1).sum())
    if freedom == 0 or len(arrays) < 3:
        return means
    noise = sum(((values - values.mean()) ** 2).sum() for values in arrays) / freedom
    between = max(0.0, float(means.var(ddof=1)) - noise * float((1.0 / counts).mean()))
    weights = between / (between + noise / counts) if between > 0 else np.zeros(len(means))
    centre = float(np.average(means, weights=counts))
    return np.asarray(centre + weights * (means - centre))


def _changes(
    evidence: Evidence, texts: Sequence[str], arrays: Sequence[np.ndarray], estimates: np.ndarray
) -> list[Fact]:
    """Return how far each network is from the best, the first; intervals hold all at once."""
    over = "new trainings" if evidence.evaluator.table is None else "recorded scores"
    exact = evidence.evaluator.table is not None
    lows = highs = np.full(len(texts), np.nan)
    if exact:
        lows = highs = estimates - estimates[0]
    elif len(texts) > 1:
        compared = against_control(list(arrays[1:]), arrays[0])
        lows, highs = np.append(np.nan, compared.low), np.append(np.nan, compared.high)
    return [
        difference(
            f"change of {text}",
            f"{text} over the best network",
            over,
            float(estimates[n] - estimates[0]),
            float(lows[n]),
            float(highs[n]),
            len(arrays[n]),
        )
        for n, text in enumerate(texts)
    ]


def _quote(together: Together, best: Candidate, most: int) -> tuple[Fact, int]:
    """Return the test score of the best network, and of how many trainings it is the mean."""
    evaluator = together.evidence.evaluator
    key, of = "test score", "the best network of all runs"
    if evaluator.selects_on_test:
        return measured(key, of, "test examples that the searches chose by", None, None, None, 0), 0
    if evaluator.free or most >= SEEDS:
        final = evaluator.test(best.architecture, _unused_seeds(together, 2, SEEDS))
        values = [one.test_score for one in final if one.status == "ok"]
    else:
        results = [together.runs[number].result or {} for number in best.kept_by]
        finals = {one["seed"]: one for result in results for one in result.get("final", ())}
        values = [one["test_score"] for one in finals.values() if not one["error"]]
    if not values:
        return measured(key, of, "test examples", None, None, None, 0), 0
    examples = evaluator.examples()
    if examples is None:
        return measured(key, of, "test examples", float(np.mean(values)), None, None, len(values)), len(
            values
        )
    mean, low, high = score_interval(values, examples[1])
    return measured(key, of, f"{examples[1]:,} test examples", mean, low, high, examples[1]), len(values)
