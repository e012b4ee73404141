"""The chosen network with weights: the run's own, or trained once more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from nas_gym._clock import check_time
from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluator, TrainEvaluator
from nas_gym.explain.evidence.rescoring import run_seed
from nas_gym.explain.evidence.run import Evidence
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import Architecture
from nas_gym.tables import Tabulation
from nas_gym.tasks import Task

UNSEEN_SEED = 1_000_003
"""Added to the run's seed where a table names all the seeds it has, so that it is none of them."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network, its weights and its data.

    Attributes:
        architecture: the network.
        module: with weights, float64, in evaluation mode, on the CPU.
        task: the data; explanations look at its validation part, never at its test part.
        source: where the weights are from, a clause: ``"trained once more with the fresh seed 3"``.
    """

    architecture: Architecture
    module: NetworkModule
    task: Task
    source: str


@lru_cache(maxsize=4)  # several explanations look into it, and training it once more takes time
def trained_network(evidence: Evidence) -> TrainedNetwork | str:
    """Return the network that a run chose, trained, or a sentence that says why there is none.

    The weights are those of the run's `best.pt` where it holds this architecture. Otherwise the network is
    trained by the evaluator of the run, or by the recipe that a table of nas-gym's own was built with.

    Args:
        evidence: evidence of a run in which not everything failed.
    """
    architecture = evidence.chosen.architecture
    try:
        trainer, task = _trainer(evidence)
        saved = _saved(evidence, architecture)
        if saved is not None and trainer is not None:
            return TrainedNetwork(architecture, saved.double(), task, "kept by the run in its best.pt")
        if trainer is None:
            return (
                f"The {evidence.metric.label} of each architecture of this run is computed by a function; no "
                "network was trained, so there is none to look into."
            )
        check_time()
        seed = _seed(evidence)
        module, evaluation = trainer.fit(architecture, seed)
    except NASGymError as error:
        return f"The chosen network cannot be looked into: {error}."
    if evaluation.failed:
        return (
            f"The chosen network cannot be looked into: its training with the fresh seed {seed} failed "
            f"({evaluation.error})."
        )
    module = module.cpu().double().eval()
    return TrainedNetwork(architecture, module, task, f"trained once more with the fresh seed {seed}")


def _trainer(evidence: Evidence) -> tuple[Evaluator | None, Task]:
    """Return what trains networks as the run did, None if it trained none, and the data.

    Raises:
        NASGymError: for a table that was imported.
    """
    evaluator = evidence.evaluator
    if (table := evaluator.table) is not None:
        made = Tabulation.of_table(table, evidence.problem.device)
        device = str(made.device)
        return TrainEvaluator(made.search_space, made.task, device, recipe=made.recipe), made.task
    return (evaluator if evaluator.trains else None), evidence.problem.task


def _seed(evidence: Evidence) -> int:
    if evidence.evaluator.table is not None:
        return UNSEEN_SEED + run_seed(evidence)
    return evidence.evaluator.final_seeds(run_seed(evidence))[0]


def _saved(evidence: Evidence, architecture: Architecture) -> NetworkModule | None:
    file = evidence.folder.best_file
    if not file.is_file():
        return None
    saved = load_network(file)
    same = saved.architecture == str(architecture) and saved.search_space == evidence.search_space
    return saved.module if same else None
