"""A bar for a long batch: members done, training loss, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluator, StoredEvaluator, TrainEvaluator
from nas_gym.training import Progress as TrainingProgress


@contextmanager
def training_bar(evaluator: Evaluator, console: Console | None = None) -> Iterator[None]:
    """Show how far each batch of a training evaluator is, while the context is open.

    Every finished member is in the store already, so an interruption loses only what is unfinished.

    ```python
    with training_bar(env.unwrapped.evaluator):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    ```

    Args:
        evaluator: a training evaluator, with a store in front or not.
        console: where to draw; stderr if None.

    Raises:
        NASGymError: if the evaluator trains nothing.
    """
    trainer = evaluator.inner if isinstance(evaluator, StoredEvaluator) else evaluator
    if not isinstance(trainer, TrainEvaluator):
        raise ConfigError(f"training_bar shows a TrainEvaluator at work, not {type(trainer).__name__}")
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.fields[done]}/{task.fields[members]} networks, loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as bar:
        task = bar.add_task("training", total=1.0, done=0, members=0, loss=float("nan"))

        def show(progress: TrainingProgress) -> None:
            bar.update(
                task,
                completed=progress.share,
                done=progress.done,
                members=progress.members,
                loss=progress.loss,
            )

        trainer.progress = show
        try:
            yield
        finally:
            trainer.progress = None
