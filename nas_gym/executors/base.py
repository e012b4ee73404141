"""What an executor is: posts elsewhere, each of which does one job at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nas_gym._shared import Shared

LOST_AT_MOST = 3
"""Posts that may be lost over one job: the first may have ended for what another did."""


class Lost(Exception):  # noqa: N818 (the job is done again elsewhere)
    """The process or the machine of a post ended; the job that it had is to be done again."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a job finds where it is done.

    Attributes:
        report: tells how far the job is; who waits for it sees the newest report alone.
        stopped: whether the job is to end early.
        fetch: returns what `Executor.share` was given.
        cores: processor cores that the job may use.
        gpus: graphics cards that it may use; they are those that torch sees.
    """

    report: Callable[[Any], None]
    stopped: Callable[[], bool]
    fetch: Callable[[Any], Any]
    cores: int
    gpus: float


Work = Callable[[Any, Here], Any]
"""What a post does with each of its jobs: a function of a module, so that the post can import it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to.

    Attributes:
        value: what the work returned.
        error: what it raised, None if it returned.
    """

    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class Post(ABC):
    """A process somewhere that does one job at a time.

    One thread gives it jobs; `stop` and `close` may be called by another.
    """

    @abstractmethod
    def ready(self, seconds: float) -> bool:
        """Return whether it can be given a job now, after waiting for that for some seconds at most.

        Raises:
            NASGymError: if it cannot be started there.
        """

    @abstractmethod
    def begin(self, job: Any) -> None:
        """Give it a job.

        Raises:
            Lost: if it has ended.
        """

    @abstractmethod
    def wait(self, seconds: float) -> Outcome | None:
        """Return what the job came to, None if it is not done after some seconds.

        Raises:
            Lost: if it ended.
        """

    @abstractmethod
    def report(self) -> Any:
        """Return the newest report on the job, None if there is none yet."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the job to end early."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once; it may be given jobs again and starts anew then."""


class Executor(Shared, ABC):
    """Where work is done. Copies of what holds one share it.

    Attributes:
        name: what it is called.
        cores: processor cores of each post.
        gpus: graphics cards of each post.
        joined: whether it may be on other machines than this one.
    """

    name: str
    cores: int
    gpus: float
    joined: bool

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the JSON-able options that make it again."""

    @abstractmethod
    def size(self) -> int:
        """Return the number of posts that there are to be, at least 1; there may be fewer for now."""

    @abstractmethod
    def posts(self, work: Work, count: int) -> list[Post]:
        """Return posts for some work, those of an earlier call that were given back first.

        Args:
            work: what each of them does with its jobs.
            count: how many, at most `size`.
        """

    @abstractmethod
    def give_back(self, posts: list[Post]) -> None:
        """Keep posts, which have nothing to do, for the next call of `posts`."""

    @abstractmethod
    def share(self, value: Any) -> Any:
        """Put a value where all posts find it, and return what stands for it in a job."""

    @abstractmethod
    def close(self) -> None:
        """End the posts that were given back. An executor that is asked again starts others."""

    def wanted(self, posts: int) -> str:
        """Return what that many posts need, in words."""
        count, what = (posts * self.gpus, "GPU") if self.gpus else (posts * self.cores, "core")
        return f"{count:g} {what}{'' if count == 1 else 's'}"
