"""Adopting a network that explaining found: a better one, or a smaller one that is about as good."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from nas_gym._files import write_text, writing
from nas_gym.deploy import REFITTED, save_network
from nas_gym.errors import ConfigError, NASGymError, unknown
from nas_gym.evaluators import FinalScore, final_estimate
from nas_gym.explain.evidence.facts import facts_of
from nas_gym.explain.evidence.rescoring import run_seed
from nas_gym.explain.evidence.run import Evidence, read_evidence
from nas_gym.explain.evidence.simple_methods import network_method
from nas_gym.explain.fact import loses_less
from nas_gym.explain.pipeline import explain
from nas_gym.explain.report.adopted import RECORD, tell_adopted
from nas_gym.explain.report.phrases import counted, points, signed
from nas_gym.explain.report.writer import Names, writing_alone
from nas_gym.explain.sections.alternatives.analysis import MARGIN
from nas_gym.explain.sections.summary.methods import interval_of
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import Architecture

What = Literal["better", "smaller"]

NETWORK = "adopted.pt"
FORMAT = 1
ALL_ROWS, TRAINING_ROWS = "all but the test examples", "the training examples"
SAME_RUN = ("distinct evaluations", "found network", "state of the run", "fingerprint of the data")
"""Facts by which an explanation is known to be of the run as it is now."""
KEY = "alternatives"


class NothingToAdoptError(NASGymError):
    """Explaining found no such network, or none that can be kept; a sentence says which."""


@dataclass(frozen=True)
class Adopted:
    """A network that was adopted in place of the one that a run found.

    Attributes:
        what: ``"better"`` or ``"smaller"``.
        architecture, words: its text, and what it is.
        parameters: its trainable parameters.
        why: why it was adopted, a clause.
        compared_with: the network of the run that it was compared with.
        trainings: of it, in that comparison; None where the explanation does not tell.
        change, low, high: its score minus that of the run's network, with the 95% interval that it was
            adopted by.
        seed: seed of the training that is kept.
        metric: what a score is called.
        validation_score: score on the examples that it was chosen by.
        test_score: score on the test examples, asked for after the choice.
        test_low, test_high: 95% interval of the test score for new examples; None where there is none.
        test_examples: test examples; None where their number is not known.
        file: the saved network, for `nas_gym.load_network`.
        trained_on: which examples it is trained on: all but those of the test part where the run's own
            network in `network.pt` is, else those of the training part.
    """

    what: What
    architecture: str
    words: str
    parameters: int
    why: str
    compared_with: str
    trainings: int | None
    change: float
    low: float
    high: float
    seed: int
    metric: str
    validation_score: float
    test_score: float
    test_low: float | None
    test_high: float | None
    test_examples: int | None
    file: Path
    trained_on: str

    def __str__(self) -> str:
        return (
            f"adopted {self.architecture} ({self.words}; {self.parameters:,} weights), {self.why}: "
            f"validation {self.metric} {self.validation_score:.1%}{self._before}, which it was chosen by; "
            f"test {self.metric} {self.test_score:.1%}{self._on_test}; it is trained on "
            f"{self.trained_on}{self._as_the_run}; load it with nas_gym.load_network({str(self.file)!r})"
        )

    @property
    def _on_test(self) -> str:
        interval = (
            ""
            if self.test_low is None or self.test_high is None
            else f" (95% interval {self.test_low:.1%} to {self.test_high:.1%})"
        )
        examples = "" if self.test_examples is None else f" on {self.test_examples:,} examples"
        return f"{examples}{interval}"

    @property
    def _before(self) -> str:
        return " before it was trained on those examples, too" if self.trained_on == ALL_ROWS else ""

    @property
    def _as_the_run(self) -> str:
        return f", as {REFITTED} of the run" if self.trained_on == ALL_ROWS else ""

    @property
    def commands(self) -> tuple[str, str]:
        """The commands that predict with it and that export it."""
        file = shlex.quote(str(self.file))
        return f"nas-gym predict {file} FILE", f"nas-gym export {file} --to onnx"

    @property
    def words_of_report(self) -> tuple[str, ...]:
        """What a report says of it, a sentence each."""
        predict, export = self.commands
        trained = "" if self.trainings is None else f" by {counted(self.trainings, 'training')} of it"
        return (
            f"Explaining found this network, not the search, and it is adopted: `{self.architecture}` "
            f"({self.words}; {self.parameters:,} weights), kept as `{self.file.name}`.",
            f"It was compared with the network that the run found, `{self.compared_with}`,{trained} on "
            f"validation examples, and is {self.why.replace('the network that the run found', 'that one')}.",
            f"Its validation {self.metric}, which it was chosen by, is {self.validation_score:.1%}"
            f"{self._before}; its test {self.metric}, which was asked for after the choice, is "
            f"{self.test_score:.1%}{self._on_test}. It is trained on {self.trained_on}{self._as_the_run}.",
            f"`{predict}` writes its answers beside the rows of a file, and `{export}` exports it. Of the "
            "folder of the run these commands take the run's own network.",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the contents of `adopted.json`."""
        told = list(self.words_of_report)
        return {"format": FORMAT, **asdict(self), "file": self.file.name, "words_of_report": told}


def adopt(
    run: str | os.PathLike[str],
    what: What = "better",
    *,
    store: Any = "user",
    folder: str | os.PathLike[str] | None = None,
) -> Adopted:
    """Train and keep a network that explaining a run found in place of the run's own.

    ``"better"`` is the best network one edit away that is shown to be better, ``"smaller"`` the smallest one
    that is shown to lose less than one point. The explanation in the folder is used where it is of the run as
    it is now, else the run is explained first. The network is trained with the first of the seeds that
    score a run's choice and written as `adopted.pt`, with `adopted.json`, which says what it is and why, and
    the report in the folder says it, too. Where the run has a network that is trained on all but the test
    examples, as `nas_gym.fit` makes it, so is this one. Its test score is asked for after the choice, and
    chooses nothing.

    ```python
    adopted = nas_gym.explain.adopt("tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0")
    nas_gym.load_network(adopted.file).predict(x)
    ```

    Args:
        run: folder of the run.
        what: which network.
        store: place where further evaluations are kept, as of `explain`.
        folder: place of the explanation and of what is written; None for the folder of the run.

    Raises:
        NothingToAdoptError: if explaining found no such network, the run trains none, or its training fails.
        NASGymError: as `explain`, or if `what` is something else.
    """
    if what not in get_args(What):
        raise unknown("network to adopt", what, get_args(What))
    evidence = read_evidence(run, store)
    place = evidence.folder.path if folder is None else Path(folder)
    alternatives = _explained(evidence, place)
    if alternatives is None:
        alternatives = _numbers(explain(run, store=store, folder=folder).as_dict())
    adopted = _trained(evidence, _choice(alternatives, what), what, place)
    with writing_alone(place):
        write_text(place / RECORD, json.dumps(adopted.as_dict(), indent=1, allow_nan=False) + "\n")
        tell_adopted(place, Names().html, Names().markdown)
    return adopted


def is_explained(run: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> bool:
    """Return whether a folder holds an explanation of a run as it is now, with what there is to adopt."""
    evidence = read_evidence(run)
    return _explained(evidence, evidence.folder.path if folder is None else Path(folder)) is not None


def _explained(evidence: Evidence, folder: Path) -> Mapping[str, Any] | None:
    """Return the numbers of the alternatives of an explanation of this run as it is now; None without one."""
    try:
        explained = json.loads((folder / Names().numbers).read_text(encoding="utf-8"))
        now = facts_of(evidence)
        same = all(explained["facts"].get(name) == now.get(name) for name in SAME_RUN)
        section = explained["sections"][KEY]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # none, of another version, or damaged: the run is explained anew
    return _numbers(explained) if same and not section.get("withheld") else None


def _numbers(explained: Mapping[str, Any]) -> Mapping[str, Any]:
    section: Mapping[str, Any] = explained["sections"].get(KEY, {})
    numbers: Mapping[str, Any] = section.get("numbers", {})
    return numbers


def _choice(alternatives: Mapping[str, Any], what: What) -> Mapping[str, Any]:
    """Return the row of the network to adopt.

    Raises:
        NothingToAdoptError: if there is none.
    """
    neighbours = alternatives.get("neighbours", ())
    tried = f"of {counted(len(neighbours), 'network')} one edit away that explaining tried"
    if what == "better":
        better = [one for one in neighbours if one["verdict"] == "improves"]
        if better:
            found: Mapping[str, Any] = max(better, key=lambda one: one["change"])
            return found
        raise NothingToAdoptError(
            f"nothing to adopt: {tried}, none is shown to be better than the network that the run found"
            if neighbours
            else "nothing to adopt: explaining tried no network one edit away from the one that the run found"
        )
    smaller: Mapping[str, Any] | None = alternatives.get("smaller")
    if smaller and loses_less(smaller.get("low"), MARGIN):
        return smaller
    seems = "" if smaller is None else f"; {smaller['architecture']} may be as good, which is not shown"
    raise NothingToAdoptError(
        "nothing to adopt: no smaller network is shown to lose less than one point against the one that the "
        f"run found{seems}"
    )


def _trained(evidence: Evidence, chosen: Mapping[str, Any], what: What, folder: Path) -> Adopted:
    """Train and save the network of a row, and only then ask for its test score.

    Raises:
        NothingToAdoptError: if the run trains no networks, or the training fails.
    """
    evaluator, space, task = evidence.evaluator, evidence.search_space, evidence.problem.task
    architecture, why = space.parse(chosen["architecture"]), _why(chosen, what)
    if not evaluator.trains:
        raise NothingToAdoptError(
            f"{architecture} is {why}, but this run trained no network: its scores were looked up or "
            "computed, so there are no weights to keep"
        )
    seed = evaluator.final_seeds(run_seed(evidence))[0]
    refits = (evidence.folder.path / REFITTED).is_file()
    module, error = _weights(evidence, architecture, seed, refits=refits)
    if module is None:
        raise NothingToAdoptError(
            f"{architecture} is {why}, but its training with seed {seed} failed ({error}), so there are no "
            "weights to keep"
        )
    trained_on = ALL_ROWS if refits else TRAINING_ROWS
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    about = {
        "seed": seed,
        "evaluator": evaluator.config(),
        "metric": evidence.metric.name,
        "adopted": f"{architecture} is {why}",
        "trained_on": trained_on,
    }
    save_network(folder / NETWORK, space, task, architecture, module, about)
    (score,) = evaluator.test(architecture, [seed])
    if refits:
        score = replace(score, test_score=_test_score(evidence, module))
    return Adopted(
        what,
        str(architecture),
        space.describe(architecture).words,
        space.network(architecture).parameters,
        why,
        str(evidence.chosen.architecture),
        chosen.get("seeds"),
        chosen["change"],
        chosen["low"],
        chosen["high"],
        seed,
        evidence.metric.label,
        score.validation_score,
        score.test_score,
        *_interval(evidence, score, module),
        folder / NETWORK,
        trained_on,
    )


def _weights(
    evidence: Evidence, architecture: Architecture, seed: int, *, refits: bool
) -> tuple[NetworkModule | None, str]:
    """Return a trained network, None where its training failed, and why it did.

    Args:
        evidence: evidence of the run.
        architecture: what to train.
        seed: training seed.
        refits: whether to train on all but the test examples.
    """
    if not refits:
        module, evaluation = evidence.evaluator.fit(architecture, seed)
        return (None, evaluation.error) if evaluation.failed else (module, "")
    try:
        return evidence.evaluator.refit(architecture, seed), ""
    except ConfigError as error:
        return None, str(error)


def _test_score(evidence: Evidence, module: NetworkModule) -> float:
    task = evidence.problem.task
    with torch.no_grad():
        outputs = module.cpu()(torch.as_tensor(np.array(task.x_test)))
    return task.target.measure(outputs.numpy(), task.y_test)[0]


def _why(chosen: Mapping[str, Any], what: What) -> str:
    interval = f"{points(chosen['change'])}, 95% interval {signed(chosen['low'])} to {signed(chosen['high'])}"
    if what == "better":
        return f"shown to be better than the network that the run found ({chosen['edit']}: {interval})"
    return f"smaller than the network that the run found and shown to lose less than one point ({interval})"


def _interval(
    evidence: Evidence, score: FinalScore, module: NetworkModule
) -> tuple[float | None, float | None, int | None]:
    """Return the interval of the test score for new examples, and over how many examples it is."""
    estimate = final_estimate([score], evidence.evaluator.examples(), trained=True)
    if estimate is not None:
        return estimate.low, estimate.high, estimate.examples
    task = evidence.problem.task
    return *interval_of(task, network_method(task, module, "adopted", 0), 0), len(task.y_test)
