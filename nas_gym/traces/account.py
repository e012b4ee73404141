"""What a trace has seen evaluated: accuracies by architecture, and the best so far."""

from __future__ import annotations

from nas_gym.envs import Ledger
from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation, incumbent, standing


class Account:
    """Follows the ledger of one run.

    Args:
        ledger: of the environment.

    Attributes:
        ledger: as passed in.
        best: the incumbent, None before any evaluation.
        accuracies: of fully trained architectures, by text.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.best: Evaluation | None = None
        self.accuracies: dict[str, float] = {}
        self._seen = 0

    def check(self, ledger: Ledger) -> None:
        """Check that the environment is still in the same run.

        Raises:
            NASGymError: if `start_run` was called since.
        """
        if ledger is not self.ledger:
            raise ConfigError(
                "start_run() was called in the middle of a trace, and a trace holds one run: "
                "wrap the environment in a new Trace, with a folder of its own, for each run"
            )

    def update(self) -> list[tuple[int, Evaluation]]:
        """The evaluations made since the last call, numbered from 1."""
        first = self._seen
        fresh = self.ledger.history[first:]
        self._seen += len(fresh)
        for evaluation in fresh:
            if evaluation.fidelity is None:
                self.accuracies[evaluation.architecture] = evaluation.accuracy
        if fresh:
            self.best = incumbent(fresh if self.best is None else [self.best, *fresh])
        return list(enumerate(fresh, start=first + 1))

    def top(self, count: int) -> list[Evaluation]:
        """The best architectures, one evaluation each, best first; failed ones are left out."""
        found: dict[str, Evaluation] = {}
        for evaluation in sorted(self.ledger.history, key=standing, reverse=True):
            if not evaluation.failed:
                found.setdefault(evaluation.architecture, evaluation)
        return list(found.values())[:count]
