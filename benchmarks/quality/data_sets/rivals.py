"""The methods of scikit-learn that `data_sets.py` compares with: with defaults, and after a random search."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FOLDS = 5
SEARCHED = 0.85
"""Share of the time for a search; the rest is for the last fit."""
Options = dict[str, Any]


class Method:
    """A kind of model for classes and for values, and what a random search draws.

    Args:
        classifier: class of the model for classes.
        regressor: class of the model for values.
        draw: draws options from a generator, given whether they are for values.
        fixed: options of every model.
        prepared: whether numbers are standardised and categories are one-hot.
        most: configurations that a search tries at most.
    """

    def __init__(
        self,
        classifier: type,
        regressor: type,
        draw: Callable[[np.random.Generator, bool], Options],
        fixed: Mapping[str, Any],
        *,
        prepared: bool = True,
        most: int = 1000,
    ) -> None:
        self._models, self._draw, self._fixed = (classifier, regressor), draw, fixed
        self._prepared, self.most = prepared, most

    def fit(self, x: Any, y: np.ndarray, options: Options) -> Any:
        """Return a model fitted to examples."""
        model = self._models[_are_values(y)](**self._fixed, **options)
        if self._prepared:
            numbers = (StandardScaler(), make_column_selector(dtype_include="number"))
            texts = (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number"))
            model = make_pipeline(make_column_transformer(numbers, texts, sparse_threshold=0), model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            return model.fit(x, y)

    def drawn(self, rng: np.random.Generator, y: np.ndarray) -> Options:
        """Return options drawn at random."""
        return self._draw(rng, _are_values(y))


def _are_values(y: np.ndarray) -> bool:
    return y.dtype.kind == "f"


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pick(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def _forest(rng: np.random.Generator, values: bool) -> Options:
    return {
        "max_features": _pick(rng, "sqrt", 0.3, 0.5, 0.8, 1.0),
        "min_samples_leaf": _pick(rng, 1, 2, 3, 5, 10),
        "max_depth": _pick(rng, None, 5, 10, 20),
        "n_estimators": _pick(rng, 100, 200, 400),
    }


def _boosting(rng: np.random.Generator, values: bool) -> Options:
    return {
        "learning_rate": _log(rng, 0.02, 0.4),
        "max_iter": int(_log(rng, 40, 400)),
        "max_leaf_nodes": int(_log(rng, 4, 64)),
        "min_samples_leaf": int(_log(rng, 2, 50)),
        "l2_regularization": _log(rng, 1e-4, 10),
        "max_features": _pick(rng, 0.5, 0.8, 1.0),
    }


def _linear(rng: np.random.Generator, values: bool) -> Options:
    return {"alpha": _log(rng, 1e-4, 1e4)} if values else {"C": _log(rng, 1e-4, 1e4)}


def _perceptron(rng: np.random.Generator, values: bool) -> Options:
    return {
        "hidden_layer_sizes": _pick(rng, (32,), (100,), (256,), (64, 64), (128, 128), (64, 64, 64)),
        "activation": _pick(rng, "relu", "tanh"),
        "alpha": _log(rng, 1e-5, 3),
        "learning_rate_init": _log(rng, 3e-4, 3e-2),
        "batch_size": _pick(rng, 32, 64, 128, "auto"),
        "early_stopping": _pick(rng, True, False),
    }


METHODS = {
    "random forest": Method(RandomForestClassifier, RandomForestRegressor, _forest, {"random_state": 0}),
    "gradient boosting": Method(
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        _boosting,
        {"random_state": 0, "categorical_features": "from_dtype"},
        prepared=False,
    ),
    "linear": Method(LogisticRegression, Ridge, _linear, {}, most=60),
    "perceptron": Method(MLPClassifier, MLPRegressor, _perceptron, {"random_state": 0}),
}


def as_frame(x: Any) -> pd.DataFrame:
    """Return examples as rows of named columns, texts as categories."""
    if isinstance(x, pd.DataFrame):
        texts = x.select_dtypes(exclude="number").columns
        return x.astype({name: pd.CategoricalDtype(sorted(x[name].unique())) for name in texts})
    return pd.DataFrame(x.reshape(len(x), -1)).rename(columns="feature {}".format)


def with_defaults(name: str, x: pd.DataFrame, y: np.ndarray, seconds: float, seed: int) -> Any:
    """Return a model with its defaults, however long it takes."""
    return METHODS[name].fit(x, y, {})


def searched(name: str, x: pd.DataFrame, y: np.ndarray, seconds: float, seed: int) -> Any:
    """Return the best model of a random search, which begins with the defaults, by folds."""
    method, start, rng = METHODS[name], time.perf_counter(), np.random.default_rng(seed)
    folds = (KFold if _are_values(y) else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
    parts = list(folds.split(x, y))
    best: tuple[float, Options] = (-np.inf, {})
    for trial in range(method.most):
        options = method.drawn(rng, y) if trial else {}
        scores = []
        for train, left_out in parts:
            model = method.fit(x.iloc[train], y[train], options)
            scores.append(model.score(x.iloc[left_out], y[left_out]))
            if time.perf_counter() - start > SEARCHED * seconds:
                break
        if len(scores) == FOLDS and np.mean(scores) > best[0]:
            best = float(np.mean(scores)), options
        if time.perf_counter() - start > SEARCHED * seconds:
            break
    return method.fit(x, y, best[1])
