"""Diagnosis of breast tumours from cell nuclei (Street et al. 1993, the copy in scikit-learn)."""

from __future__ import annotations

from nas_gym.tasks.data import Data


def breast_cancer() -> Data:
    """569 rows of 30 named features; classes malignant and benign.

    Architectures barely differ on it (see the landscape table): for trying things out, not for
    ranking agents, unless made harder.
    """
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return Data(bunch.data, bunch.target, class_names=bunch.target_names, feature_names=bunch.feature_names)
