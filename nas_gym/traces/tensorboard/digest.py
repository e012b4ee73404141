"""The TensorBoard view of a run: what is shown, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.envs import Ledger, Stats
from nas_gym.evaluators import Evaluation, incumbent
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces.cadence import Cadence
from nas_gym.traces.lines import Ask
from nas_gym.traces.policies.base import Policy, State
from nas_gym.traces.run_folder import RunFolder, flat
from nas_gym.traces.tensorboard.architecture_picture import architecture_picture
from nas_gym.traces.tensorboard.embedding import write_embedding
from nas_gym.traces.tensorboard.picture import Picture, stacked
from nas_gym.traces.tensorboard.policy_digest import PolicyDigest, decision_scalars
from nas_gym.traces.tensorboard.tables import Row, about, ask_table, config_table, episode_table
from nas_gym.traces.tensorboard.writer import Board

ASKS_PER_TABLE = 25
EPISODES_ALL_SHOWN = 1000
DRAWINGS = 5


class Digest:
    """Writes one run to TensorBoard.

    Args:
        folder: folder of the run.
        search_space: search space of the run.
        config: config of the run, for the hyperparameters.
        ledger: ledger of the run.
        scores: what the policy's scores are, None for no policy; it may change.
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """

    def __init__(
        self,
        folder: RunFolder,
        search_space: SearchSpace[Any],
        config: Mapping[str, Any],
        ledger: Ledger,
        scores: str | None,
        metric: str,
    ) -> None:
        self._folder, self._space, self._ledger, self.scores = folder, search_space, ledger, scores
        self._metric = metric
        self._words = [str(action) for action in search_space.actions]
        self.board = Board(folder.path, metric)
        self.board.start_session(_hyperparameters(config))
        self.board.text("run/config", config_table(flat(config)))
        self.board.text("run/about", about(metric))
        self._policy = PolicyDigest(self.board, search_space.actions)
        self._rows: list[Row] = []
        self._asks: list[Ask] = []
        self._return = 0.0
        self._best_of_episode = 0.0
        self._best: Evaluation | None = None
        self._drawn = ""
        self._pictures: dict[tuple[str, str], Picture] = {}
        self._tables = Cadence(EPISODES_ALL_SHOWN)

    def evaluated(self, fresh: Sequence[tuple[int, Evaluation]]) -> None:
        """Show evaluations by their number among the distinct ones, comparable between agents."""
        for number, evaluation in fresh:
            self._best = evaluation if self._best is None else incumbent([self._best, evaluation])
            values = {
                "by_evaluation/score": evaluation.score,
                "by_evaluation/best_score": self._best.score,
                "by_evaluation/parameters": evaluation.parameters,
            }
            self.board.scalars(values, number)

    def step(
        self, row: Row, state: State, mask: np.ndarray, scores: np.ndarray | None, stats: Stats, number: int
    ) -> None:
        """Show a step."""
        step = row.step
        self._return += step.reward
        values = self._counts(stats) | {"search/reward": step.reward}
        if step.score is not None:
            self._best_of_episode = max(self._best_of_episode, step.score)
            values["search/score"] = step.score
        if scores is not None and self.scores is not None:
            values |= decision_scalars(self.scores, scores, mask)
        self.board.scalars(values, number)
        self._policy.visit(state, mask, scores)
        self._rows.append(row)

    def ask(self, asks: Sequence[Ask], stats: Stats, number: int) -> None:
        """Show a batch of architectures asked for."""
        counts = self._counts(stats)
        for position, ask in enumerate(asks, start=number - len(asks) + 1):
            values = {"search/score": ask.score}
            self.board.scalars(values | counts if position == number else values, position)
        self._asks += asks
        while len(self._asks) >= ASKS_PER_TABLE:
            self._write_asks(number)

    def end_episode(self, policy: Policy | None, number: int) -> None:
        """Show the episode since the last call, if it had a step."""
        if not self._rows:
            return
        last = self._rows[-1].step
        if last.terminated or last.truncated:
            values = {"episode/return": self._return, "episode/best_score": self._best_of_episode}
            self.board.scalars(values, number)
        if self._tables.due():
            shown = episode_table(self._rows, self._words, self.scores, self._metric)
            self.board.text("episodes", shown, number)
        self._policy.end_episode(policy, number)
        self._rows, self._return, self._best_of_episode = [], 0.0, 0.0

    def snapshot(self, policy: Policy | None, number: int) -> None:
        """Show the heat map of the policy and, if it changed, a drawing of the best architecture."""
        self._policy.snapshot(policy, number)
        best = self._ledger.best
        if best is not None and best.architecture != self._drawn:
            self.board.image("architectures/best_so_far", self._drawing(best), number)
            self._drawn = best.architecture
        self.board.flush_soon()

    def finish(self, policy: Policy | None, number: int) -> None:
        """Show the run as a whole: the best architectures, their graph, all points, the metrics."""
        self.end_episode(policy, number)
        if self._asks:
            self._write_asks(number)
        self.snapshot(policy, number)
        best = self._ledger.best
        if best is not None:
            drawings = [self._drawing(evaluation) for evaluation in self._ledger.top(DRAWINGS)]
            if drawings:
                self.board.image("architectures/top", stacked(drawings), number)
            self.board.graph(self._space.network(self._space.parse(best.architecture)))
            write_embedding(self._folder.path, self._space, self._ledger.history, self._metric)
            self.board.scalars(self._outcome(best), number)
        self.board.end_session()
        self.board.close()

    def _counts(self, stats: Stats) -> dict[str, float]:
        counts: dict[str, float] = {
            "search/steps": stats.steps,
            "search/unique_evaluations": stats.unique,
            "search/stored_hits": stats.stored,
        }
        if self._ledger.best is not None:
            counts["search/best_score"] = self._ledger.best.score
        return counts

    def _outcome(self, best: Evaluation) -> dict[str, float]:
        """Return the final metrics, in a group whose name sorts first: HParams shows the first five tags."""
        stats = self._ledger.stats
        return {
            "at_end/score": best.score,
            "at_end/parameters": best.parameters,
            "at_end/seconds": stats.cost,
            "at_end/steps": stats.steps,
            "at_end/unique_evaluations": stats.unique,
        }

    def _write_asks(self, number: int) -> None:
        self.board.text("evaluations", ask_table(self._asks[:ASKS_PER_TABLE], self._metric), number)
        self._asks = self._asks[ASKS_PER_TABLE:]

    def _drawing(self, evaluation: Evaluation) -> Picture:
        title = f"{self._metric} {evaluation.score:.4f}, {evaluation.parameters:,} parameters"
        drawn = self._pictures.get((evaluation.architecture, title))
        if drawn is None:
            drawn = architecture_picture(self._space, self._space.parse(evaluation.architecture), title)
            self._pictures[evaluation.architecture, title] = drawn
        return drawn


def _hyperparameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells runs apart: the agent, its own config, and the parts of the environment."""
    env, own = config["env"], dict(config["config"])
    parts = {name: env[name].get("name") for name in ("search_space", "task", "reward") if name in env}
    own |= own.pop("hyperparameters", {})
    return {"agent": config["agent"], **parts, "horizon": env.get("horizon"), **flat(own)}
