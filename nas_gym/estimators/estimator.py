"""Estimators in scikit-learn's conventions: a search is a `fit`, its network predicts."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from nas_gym._files import write_bytes
from nas_gym.errors import ConfigError
from nas_gym.estimators.given import column_names, labels_of
from nas_gym.estimators.plan import plan_for, with_folds
from nas_gym.estimators.training import Fitted, fit_task
from nas_gym.tasks import Task, check_classes, say, unsaid


class NASEstimator(BaseEstimator):
    """What classifiers and regressors share.

    Args:
        minutes: time for a fit by the clock, above 0.
        budget: networks that a fit may train at most; None for as many as the time allows. With one that is
            reached in time, the same data and `random_state` give the same network.
        small: whether a smaller network may score a point less.
        agent: name of the agent that searches; None for the one that does best by our own comparisons.
        ensemble: networks whose answers are averaged, the best of the search.
        recipe: options of the recipe, see `nas_gym.training.Recipe`; None for one that follows from the data
            and the time.
        metric: what networks are scored by, as of a task; None for accuracy or R².
        test_size: share of the examples that tell how good the network is and are not learned from.
        random_state: seed of the split and the search.

    Attributes:
        network_: the network, a `nas_gym.deploy.SavedNetwork`.
        architecture_: its text; of an ensemble the texts of all its networks.
        test_score_: score on the test examples, by the metric.
        test_interval_: 95% interval of an accuracy for new examples; None for values.
        test_metrics_: other metrics on the test examples by name, in the units of the data.
        constant_score_: test score of the best constant answer.
        report_: path of the report; None where none was written.
        folder_: folder of the run; None where it was a temporary one.
        reasons_: why it was searched as it was, a sentence each.
        n_features_in_: number of features as they were given: columns of a data frame or an array, of signals
            and images channels; of a file columns that are used.
        feature_names_in_: names of the columns of a data frame, or of those of a file that are used; where
            columns have no names it is not there.
    """

    _kind: str
    folder_: Path | None

    def __init__(
        self,
        *,
        minutes: float = 1.0,
        budget: int | None = None,
        small: bool = False,
        agent: str | None = None,
        ensemble: int = 1,
        recipe: Mapping[str, Any] | None = None,
        metric: str | None = None,
        test_size: float = 0.2,
        random_state: int = 0,
    ) -> None:
        self.minutes = minutes
        self.budget = budget
        self.small = small
        self.agent = agent
        self.ensemble = ensemble
        self.recipe = recipe
        self.metric = metric
        self.test_size = test_size
        self.random_state = random_state

    def fit(
        self,
        X: Any,  # noqa: N803 (as scikit-learn calls it)
        y: Any,
        *,
        groups: Any = None,
        times: Any = None,
    ) -> Self:
        """Search a network for examples and train it.

        Args:
            X: array (n, features), (n, channels, length) or (n, channels, height, width), or a data frame.
            y: labels or values, one an example.
            groups: group of each example, (n,), none of which is in two parts or folds.
            times: time of each example, (n,), by which the latest tell how good the network is.

        Raises:
            NASGymError: for examples or options that do not fit.
        """
        if not 0 < self.minutes < float("inf"):
            raise ConfigError(f"minutes must be a number above 0, not {self.minutes!r}")
        labels = self._labels(y)
        with unsaid():  # of one split, which is not the folds
            task = self._task(X, labels, group=groups, time=times)
            task, folds, why = with_folds(
                task, lambda count: self._task(X, labels, group=groups, time=times, folds=count)
            )
        say(task.notes)
        plan = plan_for(
            task,
            self.minutes,
            folds=folds,
            small=self.small,
            agent=self.agent,
            ensemble=self.ensemble,
            recipe=self.recipe,
            budget=self.budget,
        )
        with tempfile.TemporaryDirectory(prefix="nas-gym-") as folder:
            fitted = fit_task(
                task,
                plan,
                Path(folder),
                seed=self.random_state,
                store="memory",
                trace=False,
            )
            self.adopt(fitted, None, [*plan.reasons, *filter(None, [why]), *fitted.reasons], X, labels)
        self.folder_ = None  # which is gone
        return self

    def adopt(
        self, fitted: Fitted, report: Path | None, reasons: Sequence[str], x: Any = None, y: Any = None
    ) -> Self:
        """Take over what a search gave, and return the estimator, fitted by it.

        Args:
            fitted: the network and how good it is.
            report: path of the report; None without one.
            reasons: why it was searched as it was.
            x: the examples in memory that it was searched for; None of a file.
            y: their labels or values; None of a file.
        """
        self.network_ = fitted.network
        self.architecture_ = fitted.network.architecture
        self.test_score_ = fitted.test_score
        self.test_interval_ = fitted.interval
        self.test_metrics_ = dict(fitted.metrics)
        self.constant_score_ = fitted.constant_score
        self.folder_ = fitted.folder
        self.report_ = report
        self.reasons_ = tuple(reasons)
        self._describe(x, fitted)
        self._file = fitted.file.read_bytes()
        return self

    def _describe(self, x: Any, fitted: Fitted) -> None:
        """Say what the features are called and how many there are."""
        names = column_names(x)
        if x is None and fitted.network.encoder is not None:
            names = list(fitted.network.encoder.names)
        self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        if names is not None and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = int(fitted.task.input_shape[0]) if names is None else len(names)

    def save(self, path: str | Path) -> None:
        """Save the network for `nas_gym.load_network`, `nas-gym predict` and `nas-gym export`.

        Raises:
            NASGymError: if the file cannot be written.
        """
        check_is_fitted(self)
        write_bytes(Path(path), self._file)

    def report(self, *, show: bool = False) -> Path:
        """Return the path of the report on the search, a web page.

        Args:
            show: whether to open it in a browser, too.

        Raises:
            NASGymError: if none was written: that is done by `nas_gym.fit`, whose runs have a folder.
        """
        check_is_fitted(self)
        if self.report_ is None:
            raise ConfigError("no report was written: nas_gym.fit(X, y) writes one, unless report=False")
        if show:
            webbrowser.open(self.report_.resolve().as_uri())
        return self.report_

    def _task(self, X: Any, y: Any, **options: Any) -> Task:  # noqa: N803
        return Task.from_arrays(
            X,
            y,
            target_kind=getattr(self, "_target_kind", self._kind),
            test_size=self.test_size,
            split_seed=self.random_state,
            metric=self.metric,
            class_weight=getattr(self, "class_weight", None),
            **options,
        )

    def _labels(self, y: Any) -> Any:
        return y


class NASClassifier(ClassifierMixin, NASEstimator):
    """A classifier whose network was searched for; see `NASEstimator`.

    Of `y` with a column of 0 and 1 for each label, (n, labels), an example may have several labels.

    Args:
        class_weight: ``"balanced"`` for classes of equal weight in the loss, or a dict with the weight of
            each label, 1 where it is not named, of which only the ratios matter; None for examples of equal
            weight. The other arguments are those of `NASEstimator`.

    Attributes:
        classes_: the labels of the classes as they were given, in the order of the probabilities; of a file
            as `nas_gym.estimators.given.labels_named` reads them; of several labels their numbers.
    """

    _kind = "classes"

    def __init__(
        self,
        *,
        minutes: float = 1.0,
        budget: int | None = None,
        small: bool = False,
        agent: str | None = None,
        ensemble: int = 1,
        recipe: Mapping[str, Any] | None = None,
        metric: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        test_size: float = 0.2,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            minutes=minutes,
            budget=budget,
            small=small,
            agent=agent,
            ensemble=ensemble,
            recipe=recipe,
            metric=metric,
            test_size=test_size,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the most probable class of each example, (n,); of several labels 0 or 1, (n, labels)."""
        probabilities = self.predict_proba(X)
        if self.network_.target.kind == "labels":
            return (probabilities > 0.5).astype(np.int64)
        found: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return found

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the probability of each class or label, float32 (n, classes or labels).

        Args:
            X: as in `SavedNetwork.predict`, so the path of a file, too.
        """
        check_is_fitted(self)
        return self.network_.predict(X)

    def adopt(
        self, fitted: Fitted, report: Path | None, reasons: Sequence[str], x: Any = None, y: Any = None
    ) -> Self:
        super().adopt(fitted, report, reasons, x, y)
        if fitted.network.target.kind == "labels":
            self.classes_ = np.arange(fitted.network.target.outputs)
            return self
        self.classes_ = labels_of(fitted.task, y)
        return self

    def _labels(self, y: Any) -> Any:
        try:
            shape = np.shape(y)
        except ValueError:  # rows of several lengths, which are refused below
            shape = ()
        if len(shape) == 2 and shape[1] > 1:
            self._target_kind = "labels"
            return y
        self._target_kind = "classes"
        check_classes(y)
        return y


class NASRegressor(RegressorMixin, NASEstimator):
    """A regressor whose network was searched for; see `NASEstimator`."""

    _kind = "values"

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the value of each example, float64 (n,), of several values (n, values).

        Args:
            X: as in `SavedNetwork.predict`, so the path of a file, too.
        """
        check_is_fitted(self)
        values = self.network_.predict(X)
        return values[:, 0] if values.shape[1] == 1 else values
