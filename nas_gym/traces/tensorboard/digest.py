"""The TensorBoard view of a run: what is shown, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.envs import Ledger, Objectives, Stats
from nas_gym.evaluators import Evaluation, incumbent
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces.cadence import Cadence
from nas_gym.traces.lines import Ask
from nas_gym.traces.policies.base import Policy, State
from nas_gym.traces.run_folder import RunFolder, flat
from nas_gym.traces.tensorboard.architecture_picture import architecture_picture
from nas_gym.traces.tensorboard.embedding import write_embedding
from nas_gym.traces.tensorboard.front_picture import front_pictures
from nas_gym.traces.tensorboard.line_chart import line_chart
from nas_gym.traces.tensorboard.picture import Picture, shortened, stacked
from nas_gym.traces.tensorboard.policy_digest import PolicyDigest, decision_scalars
from nas_gym.traces.tensorboard.tables import Row, ask_table, config_table, episode_table, first_page
from nas_gym.traces.tensorboard.tags import (
    BEST,
    BEST_PICTURE,
    BEST_SIZE,
    CURVES,
    CURVES_PICTURE,
    EPISODE_BEST,
    EVALUATIONS,
    FIRST_PAGE,
    FRONT,
    RETURN,
    REWARD,
    SCORE,
    SECONDS,
    SIZE,
    STEP_SCORE,
    STORED,
    TOP_PICTURE,
    about_curve,
    about_front,
)
from nas_gym.traces.tensorboard.writer import Board

ASKS_PER_TABLE = 25
# Of episodes and of architectures that were asked for.
TABLES_ALL_SHOWN = 1000
DRAWINGS = 5
# Of an architecture's text in the name of its learning curve.
LONGEST_NAME = 60


class Digest:
    """Writes one run to TensorBoard.

    Args:
        folder: folder of the run.
        search_space: search space of the run.
        config: config of the run, for the hyperparameters.
        ledger: ledger of the run.
        scores: what the policy's scores are, None for no policy; it may change.
        metric: what the score of an architecture is, for readers (``"accuracy"``).
        objectives: the objectives of a vector reward; None where there is one.
    """

    def __init__(
        self,
        folder: RunFolder,
        search_space: SearchSpace[Any],
        config: Mapping[str, Any],
        ledger: Ledger,
        scores: str | None,
        metric: str,
        objectives: Objectives | None = None,
    ) -> None:
        self._objectives = objectives
        self._folder, self._space, self._ledger, self.scores = folder, search_space, ledger, scores
        self._metric = metric
        self._words = [str(action) for action in search_space.actions]
        self.board = Board(folder.path, metric)
        self.board.start_session(_hyperparameters(config))
        self.board.text(FIRST_PAGE, first_page(metric))
        self.board.text("run/config", config_table(flat(config)))
        self._policy = PolicyDigest(self.board, search_space.actions)
        self._rows: list[Row] = []
        self._asks: list[Ask] = []
        self._return = 0.0
        self._best_of_episode = 0.0
        self._best: Evaluation | None = None
        self._seconds = 0.0
        self._asked_fresh: Counter[tuple[str, int | None]] = Counter()
        self._drawn = ""
        self._pictures: dict[tuple[str, str], Picture] = {}
        self._tables, self._ask_tables = Cadence(TABLES_ALL_SHOWN), Cadence(TABLES_ALL_SHOWN)

    def evaluated(self, fresh: Sequence[tuple[int, Evaluation]]) -> None:
        """Show evaluations by their number among the distinct ones, comparable between agents."""
        charges = self._ledger.charges
        for number, evaluation in fresh:
            known = [] if self._best is None else [self._best]
            self._best = incumbent([*known, evaluation], self._ledger.worth)
            self._seconds += charges[number - 1]
            self._asked_fresh[evaluation.architecture, evaluation.fidelity] += 1
            self.board.scalars({SCORE: evaluation.score, SIZE: evaluation.parameters}, number)
            values = {BEST: self._best.score, BEST_SIZE: self._best.parameters, SECONDS: self._seconds}
            self.board.outcome(values, number)

    def step(
        self, row: Row, state: State, mask: np.ndarray, scores: np.ndarray | None, stats: Stats, number: int
    ) -> None:
        """Show a step."""
        step = row.step
        self._return += step.reward
        values = {REWARD: step.reward, STORED: float(stats.stored)}
        if step.score is not None:
            self._best_of_episode = max(self._best_of_episode, step.score)
            values[STEP_SCORE] = step.score
        if scores is not None and self.scores is not None:
            values |= decision_scalars(self.scores, scores, mask)
        self.board.curves(values, number)
        if self._asked_fresh:
            self._asked_fresh.clear()
            self.board.outcome({EVALUATIONS: stats.unique}, number)
        self._policy.visit(state, mask, scores)
        self._rows.append(row)

    def ask(self, asks: Sequence[Ask], stats: Stats, number: int) -> None:
        """Show a batch of architectures asked for."""
        known = stats.unique - self._asked_fresh.total()
        for position, ask in enumerate(asks, start=number - len(asks) + 1):
            if self._asked_fresh[ask.architecture, ask.fidelity] > 0:
                self._asked_fresh[ask.architecture, ask.fidelity] -= 1
                known += 1
                self.board.outcome({EVALUATIONS: known}, position)
        self._asked_fresh.clear()
        self.board.curves({STORED: stats.stored}, number)
        self._asks += asks
        while len(self._asks) >= ASKS_PER_TABLE:
            self._write_asks(number)

    def end_episode(self, policy: Policy | None, number: int) -> None:
        """Show the episode since the last call, if it had a step."""
        if not self._rows:
            return
        last = self._rows[-1].step
        if last.terminated or last.truncated:
            self.board.curves({RETURN: self._return, EPISODE_BEST: self._best_of_episode}, number)
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
            self.board.image(BEST_PICTURE, self._drawing(best), number)
            self._drawn = best.architecture
        self.board.flush_soon()

    def finish(self, policy: Policy | None, number: int) -> None:
        """Show the run as a whole: the best architectures, their graph, all points, the metrics."""
        self.end_episode(policy, number)
        if self._asks:
            self._write_asks(number)
        if self._asked_fresh:
            self.board.outcome({EVALUATIONS: self._ledger.stats.unique}, number)
        self.snapshot(policy, number)
        best = self._ledger.best
        if best is not None:
            top = self._ledger.top(DRAWINGS)
            if drawings := [self._drawing(evaluation) for evaluation in top]:
                self.board.image(TOP_PICTURE, stacked(drawings), number)
            self._show_curves(top, number)
            self._show_fronts(number)
            self.board.graph(self._space.network(self._space.parse(best.architecture)))
            write_embedding(self._folder.path, self._space, self._ledger.history, self._metric)
        self._policy.finish(number)
        self.board.end_session()
        self.board.close()

    def scalars(self, values: Mapping[str, float], number: int) -> None:
        """Show scalars of the agent at a step."""
        self.board.scalars(values, number)

    def text(self, tag: str, text: str, number: int) -> None:
        """Show a text of the agent at a step."""
        self.board.text(tag, text, number)

    def close(self) -> None:
        """Close the files of a run that did not come to its end."""
        self.board.close()

    def _show_curves(self, top: Sequence[Evaluation], number: int) -> None:
        """Show how the best networks learned, of those that were trained for several epochs."""
        curves = {
            f"{rank} {shortened(evaluation.architecture, LONGEST_NAME)}": evaluation
            for rank, evaluation in enumerate(top, start=1)
            if len(evaluation.curve) > 1
        }
        if not curves:
            return
        for name, evaluation in curves.items():
            tag = f"{CURVES}/{name}"
            self.board.describe(tag, about_curve(self._metric, name, evaluation.architecture))
            for epoch, score in enumerate(evaluation.curve, start=1):
                self.board.scalars({tag: score}, epoch)
        lines = {name: list(enumerate(evaluation.curve, start=1)) for name, evaluation in curves.items()}
        title = f"The best networks while training: {self._metric}"
        self.board.image(CURVES_PICTURE, line_chart(lines, title, "epoch"), number)

    def _show_fronts(self, number: int) -> None:
        """Show the front that was found, in TensorBoard and as files beside it."""
        if self._objectives is None:
            return
        for cost, picture in front_pictures(self._ledger.history, self._objectives, self._metric).items():
            self.board.describe(f"{FRONT}/{cost}", about_front(self._metric, cost))
            self.board.image(f"{FRONT}/{cost}", picture, number)
            (self._folder.path / f"front_{cost}.png").write_bytes(picture.png())

    def _write_asks(self, number: int) -> None:
        if self._ask_tables.due():
            self.board.text("evaluations", ask_table(self._asks[:ASKS_PER_TABLE], self._metric), number)
        self._asks = self._asks[ASKS_PER_TABLE:]

    def _drawing(self, evaluation: Evaluation) -> Picture:
        title = f"{self._metric} {evaluation.score:.4f}, {evaluation.parameters:,} parameters"
        drawn = self._pictures.get((evaluation.architecture, title))
        if drawn is None:
            drawn = architecture_picture(self._space, self._space.parse(evaluation.architecture), title)
            self._pictures[evaluation.architecture, title] = drawn
        return drawn


class NoDigest:
    """Stands where a run shows nothing in TensorBoard: the same calls, written nowhere."""

    scores: str | None = None

    def evaluated(self, fresh: Sequence[tuple[int, Evaluation]]) -> None:
        """Show nothing."""

    def step(
        self, row: Row, state: State, mask: np.ndarray, scores: np.ndarray | None, stats: Stats, number: int
    ) -> None:
        """Show nothing."""

    def ask(self, asks: Sequence[Ask], stats: Stats, number: int) -> None:
        """Show nothing."""

    def end_episode(self, policy: Policy | None, number: int) -> None:
        """Show nothing."""

    def snapshot(self, policy: Policy | None, number: int) -> None:
        """Show nothing."""

    def finish(self, policy: Policy | None, number: int) -> None:
        """Show nothing."""

    def scalars(self, values: Mapping[str, float], number: int) -> None:
        """Show nothing."""

    def text(self, tag: str, text: str, number: int) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Close nothing."""


def _hyperparameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells runs apart: the agent, its own config, and the parts of the environment."""
    env, own = config["env"], dict(config["config"])
    parts = {name: env[name].get("name") for name in ("search_space", "task", "reward") if name in env}
    own |= own.pop("hyperparameters", {})
    return {"agent": config["agent"], **parts, "horizon": env.get("horizon"), **flat(own)}
