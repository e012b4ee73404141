"""Progression of diabetes in a year (Efron et al. 2004, the copy in scikit-learn)."""

from __future__ import annotations

from nas_gym.tasks.data import Data


def diabetes() -> Data:
    """442 rows of 10 named features; one value, the progression of the disease one year later.

    Its measurements explain about half of the variance, so that even the best scores are near .5. Of 88
    validation examples, differences between perceptrons are noise: for trying things out, not for ranking
    agents.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    return Data(
        bunch.data,
        bunch.target,
        target_kind="values",
        target_names=("progression",),
        feature_names=bunch.feature_names,
    )
