"""A user's own reward: what it may be, how its answers are checked, and how a run's config names it."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property, partial
from numbers import Real
from typing import Any, Literal

import numpy as np

from nas_gym.envs.reward_identity import alike, attributes, configs, parameters, source, state, stem, words
from nas_gym.errors import ConfigError, NASGymError, unknown
from nas_gym.evaluators import Evaluation
from nas_gym.registry import build, import_path, lookup
from nas_gym.tasks import Target

RECORDED = "recorded"
TRIALS = (0.25, 0.5, False), (0.25, 0.5, True)
SEES = ("scores", "evaluations")
SHOWN = 80
WANTED = "return one finite number"


class OwnReward:
    """A user's function, object or class, asked as the environment's own rewards are.

    - A function, a lambda, a `functools.partial`, a method or any callable object is asked as it is; of
      a class an object is made without arguments.
    - It takes ``(before, after, done)``: the scores before and after the step, floats in [0, 1],
      and whether the step is the episode's last.
    - It returns one finite number: of Python, of NumPy, or an array or tensor without dimensions; it
      becomes a float.
    - Its attributes `needs_before` and `episodic`, True or False, may be left out: `needs_before` is
      then True, so that `before` is always what it says, at the cost of evaluating the start state, and
      `episodic` False. Under `episodic`, steps before the last are paid what it says of scores 0.0.
    - Its attribute `sees` may be ``"evaluations"``: it is then called with an `Evaluation` before and
      after the step in place of scores, so that it can pay for parameters or FLOPs, too. `before` is
      None where it does not need it. Under `episodic` it is asked at the last step alone, and the others
      pay 0.
    - Its attribute `batch`, where it has one, is the same for several steps at once: a function of arrays
      ``(before, after, done)`` that returns a float array (steps,). Many environments then ask it once a
      step. One that is inherited by a class with a `__call__` of its own is not used.
    - It must be pure. When the environment is made it is asked twice, within and at the end of an
      episode, so that a mistake is told before anything is trained.

    Args:
        function: the user's function, object or class.
        config: the name and options that it was built from; None for an object that was passed in.
        target: target of the task, whose other metrics the evaluations have that the reward is tried on; None
            for evaluations without any.

    Attributes:
        function: the user's callable.
        name: ``"module:name"`` where that leads to it or to its class, else a description.
        needs_before, episodic, sees, slope: see `Reward`; an unknown slope counts as that of the
            score itself.

    Raises:
        NASGymError: for anything that is not such a reward, in one sentence.
    """

    shape: tuple[int, ...] = ()

    def __init__(
        self, function: Any, config: Mapping[str, Any] | None = None, target: Target | None = None
    ) -> None:
        if isinstance(function.func if isinstance(function, partial) else function, type):
            function = _object_of(function)
        if not callable(function):
            raise ConfigError(
                "a reward object must be callable as reward(before, after, done), "
                f"{_line(repr(function))} is not: write a function, or a class with __call__"
            )
        self.function: Callable[[float, float, bool], Any] = function
        named = config.get("built_by", config)["name"] if config else import_path(stem(function))
        self.name = str(named or words(function))
        self._given, self._target = config, target
        _check_signature(self.name, function)
        self.needs_before = self._attribute("needs_before", True)
        self.episodic = self._attribute("episodic", False)
        self.sees: Literal["scores", "evaluations"] = self._sees()
        self.slope = 2.0 if self.needs_before else 1.0
        self._changing = self._try()

    def __call__(self, before: Any, after: Any, done: bool) -> float:
        """Return the reward of a step, checked.

        Raises:
            NASGymError: if the user's reward raises, or returns anything but one finite number.
        """
        return self._ask(self.function, before, after, done)

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Return the rewards of several steps, checked, by the user's own batch form where there is one.

        Raises:
            NASGymError: as a call of one step, or if the batch form returns another number of rewards.
        """
        return self._ask_batch(self.function, before, after, done)

    def parts(self) -> dict[str, object]:
        """Return the user's callable."""
        return {"reward": self.function}

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that build this reward again, with its name.

        For a reward that no name and options lead to (a lambda, a class inside a function, an object
        with other attributes than its constructor's) it is a record of it, which builds a
        `RecordedReward`. So it is of a reward that a script defines for itself, which another process
        does not find; the script itself builds it again.
        """
        return dict(self._config)

    @cached_property
    def _config(self) -> dict[str, Any]:
        if self._given is not None:
            return dict(self._given)
        found = next((config for config in configs(self.function) if self._is_built_by(config)), None)
        if found is not None and not found["name"].startswith("__main__:"):
            return found
        built_by = {} if found is None else {"built_by": found}
        # Written only where it differs, so that other records stay as they are.
        sees = {} if self.sees == "scores" else {"sees": self.sees}
        return (
            built_by
            | sees
            | {
                "name": RECORDED,
                "reward": words(self.function),
                "needs_before": self.needs_before,
                "episodic": self.episodic,
                "source": source(self.function),
                "state": state(self.function, self._changing),
            }
        )

    def _is_built_by(self, config: Mapping[str, Any]) -> bool:
        """Return whether a config builds this reward: the same function, or an object of equal attributes."""
        try:
            built = own_reward(config, target=self._target)
            return alike(built.function, self.function, self._changing)
        except Exception:  # noqa: BLE001 - the user's constructor and comparisons may raise anything
            return False

    def _stated(self, name: str, default: Any) -> Any:
        """Return an attribute of the user's callable; of a partial also of what is behind it."""
        inner = self.function.func if isinstance(self.function, partial) else None
        return getattr(self.function, name, getattr(inner, name, default))

    def _sees(self) -> Literal["scores", "evaluations"]:
        value = self._stated("sees", "scores")
        if value not in SEES:
            raise ConfigError(
                f"sees of the reward {self.name!r} must be 'scores' or 'evaluations', not {value!r}"
            )
        return "evaluations" if value == "evaluations" else "scores"

    def _attribute(self, name: str, default: bool) -> bool:
        value = self._stated(name, default)
        if not isinstance(value, bool | np.bool_):
            raise ConfigError(f"{name} of the reward {self.name!r} must be True or False, not {value!r}")
        return bool(value)

    def _try(self) -> frozenset[str]:
        """Ask a copy, so that an object that counts its calls does not count these.

        Returns:
            The attributes that asking changes, such as that count; they are no part of what the reward is.
        """
        try:
            function = copy.deepcopy(self.function)
        except Exception:  # noqa: BLE001 - an object that cannot be copied is asked itself
            function = self.function
        before, trials = attributes(function), self._trials()
        answers = [self._ask(function, *trial) for trial in trials]
        if _batch_form(self.name, function) is not None:
            columns = [_column([trial[place] for trial in trials]) for place in range(3)]
            found = self._ask_batch(function, *columns)
            if not np.allclose(found, answers):
                raise ConfigError(
                    f"the batch form of the reward {self.name!r} returned {found.tolist()} where single "
                    f"calls return {answers}: make both pay alike"
                )
        after = attributes(function)
        return frozenset(name for name in before | after if before.get(name) != after.get(name))

    def _trials(self) -> list[tuple[Any, Any, bool]]:
        """Return what the reward is tried on."""
        if self.sees == "scores":
            return list(TRIALS)
        made = {score: _trial_evaluation(score, self._target) for score in (0.25, 0.5)}
        return [
            (made[before] if self.needs_before else None, made[after], done)
            for before, after, done in TRIALS
            if done or not self.episodic
        ]

    def _ask_batch(
        self, function: Callable[..., Any], before: np.ndarray, after: np.ndarray, done: np.ndarray
    ) -> np.ndarray:
        form = _batch_form(self.name, function)
        if form is None:
            steps = zip(before.tolist(), after.tolist(), done.tolist(), strict=True)
            return np.array([self._ask(function, *step) for step in steps], dtype=np.float64)
        try:
            answer = np.asarray(form(before, after, done), dtype=np.float64)
        except Exception as error:
            raise ConfigError(
                f"the batch form of the reward {self.name!r} raised {type(error).__name__} "
                f"({_line(str(error))}) for {len(done)} steps: return one finite number for each"
            ) from error
        if answer.shape != done.shape or not np.isfinite(answer).all():
            raise ConfigError(
                f"the batch form of the reward {self.name!r} returned {_line(repr(answer))} for {len(done)} "
                "steps: return one finite number for each"
            )
        return answer

    def _ask(self, function: Callable[..., Any], before: Any, after: Any, done: bool) -> float:
        try:
            answer = function(before, after, done)
        except Exception as error:
            raise ConfigError(
                f"the reward {self.name!r} raised {type(error).__name__} ({_line(str(error))}) for "
                f"{_asked(before, after, done)}: {WANTED}"
            ) from error
        number = _number(answer)
        if not math.isfinite(number):
            raise ConfigError(
                f"the reward {self.name!r} returned {_line(repr(answer))} for {_asked(before, after, done)}: "
                f"{WANTED}"
            )
        return number


def own_reward(config: Mapping[str, Any], part: Any = None, target: Target | None = None) -> OwnReward:
    """Return the reward of a module, by ``"module:Name"`` and options.

    The name leads to a class (built with the options), to a function of ``(before, after, done)``
    (further arguments of it are options), to an object that is a reward, or to a function of the
    options alone that returns one.

    Args:
        config: name and options.
        part: what the name leads to; None to import it.
        target: as of `OwnReward`.

    Raises:
        NASGymError: as `OwnReward`, or for an option that does not fit.
    """
    options = {key: value for key, value in config.items() if key != "name"}
    found = lookup("reward", config["name"], {}) if part is None else part
    if isinstance(found, type) or (inspect.isroutine(found) and not _is_reward_function(found)):
        return OwnReward(_made(f"reward {config['name']!r}", build, found, "reward", options), config, target)
    if options:
        _check_options(config["name"], found, options)
        found = partial(found, **options)
    return OwnReward(found, config, target)


def _object_of(kind: Callable[[], Any]) -> Any:
    """Return an object of a class, or of a partial of one, that takes no more arguments."""
    name = getattr(kind, "func", kind).__qualname__
    missing = [
        one.name
        for one in (parameters(kind) or {}).values()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    if missing:
        raise ConfigError(
            f"the reward class {name} needs {', '.join(missing)}: pass an object of it, "
            f"like {name}({missing[0]}=...)"
        )
    return _made(f"reward class {name}", kind)


def _made(what: str, make: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the user's constructor or function makes.

    Raises:
        NASGymError: if it raises.
    """
    try:
        return make(*arguments)
    except NASGymError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the {what} cannot be made, it raises {type(error).__name__} ({_line(str(error))}): "
            "pass an object or other options"
        ) from error


def _is_reward_function(function: Callable[..., Any]) -> bool:
    """Return whether a function takes before, after and done, rather than options alone."""
    taken = parameters(function)
    if taken is None:
        return True
    first = next(iter(taken.values()), None)
    if first is None or (first.default is not first.empty and first.kind is not first.VAR_POSITIONAL):
        return False
    return first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD, first.VAR_POSITIONAL)


def _check_options(name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Check that a function takes options beside before, after and done; an object takes none."""
    taken = list((parameters(function) or {}).values()) if inspect.isroutine(function) else []
    names = [one.name for one in taken[3:] if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    takes_all = any(one.kind is one.VAR_KEYWORD for one in taken)
    for option in options:
        if option not in names and not takes_all:
            raise unknown(f"option of the reward {name!r}", option, names or ("none",))


def _check_signature(name: str, function: Callable[..., Any]) -> None:
    if parameters(function) is None:
        return
    signature = inspect.signature(function)
    try:
        signature.bind(*TRIALS[0])
    except TypeError:
        raise ConfigError(
            f"the reward {name!r} takes {signature}: write it as (before, after, done)"
        ) from None


def _number(answer: Any) -> float:
    """Return an answer as a float; NaN for one that is not a single number."""
    if getattr(answer, "shape", None) == () and hasattr(answer, "item"):
        masked = answer is np.ma.masked  # its item is 0.0
        answer = None if masked else answer.item()  # of an array or a tensor without dimensions
    if not isinstance(answer, Real | Decimal):
        return math.nan
    try:
        return float(answer)
    except (OverflowError, ValueError):
        return math.nan


def _batch_form(name: str, function: Any) -> Callable[..., Any] | None:
    """Return the batch form that a user's reward has; None where a newer `__call__` overrides its class."""
    form = getattr(function, "batch", None)
    if form is None:
        return None
    if not callable(form):
        raise ConfigError(
            f"batch of the reward {name!r} must be a function (before, after, done) of arrays, not {form!r}"
        )
    if "batch" not in getattr(function, "__dict__", {}):
        for kind in type(function).__mro__:
            if "batch" in vars(kind):
                break
            if "__call__" in vars(kind):
                return None
    return form  # type: ignore[no-any-return]


def _column(values: list[Any]) -> np.ndarray:
    """Return values as an array, of evaluations as objects."""
    plain = all(isinstance(value, float | bool) for value in values)
    column: np.ndarray = np.array(values, dtype=None if plain else object)
    return column


def _trial_evaluation(score: float, target: Target | None) -> Evaluation:
    """Return an evaluation of no architecture, to try a reward on before anything is trained."""
    metrics = {} if target is None else target.other_metrics(score)
    return Evaluation("", score, (score,), 1000, 2000, 1.0, "ok", "", (0,), metrics=metrics)


def _asked(before: Any, after: Any, done: bool) -> str:
    return f"before={_shown(before)}, after={_shown(after)}, done={done}"


def _shown(seen: Any) -> str:
    """Return what a reward was asked about in a few words."""
    if isinstance(seen, Evaluation):
        return f"an evaluation of {seen.architecture!r} (score {seen.score:g})"
    return "None" if seen is None else f"{seen:g}"


def _line(text: str) -> str:
    """Return a text of the user's code in one short line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."
