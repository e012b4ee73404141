"""What three choices do together: its covariance between architectures, without naming the triples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def third_order(features: Sequence[np.ndarray]) -> np.ndarray:
    """The kernel of all triples of components, scaled to about 1 on its diagonal, float64 (n, n).

    The elementary symmetric polynomial of the kernels by Newton's identities, as Durrande et al.
    ("ANOVA kernels and RKHS of zero mean functions", 2013) have it.
    """
    kernels = [z @ z.T / max(1.0, z.shape[1]) for z in features]
    one = sum(kernels, np.zeros_like(kernels[0]))
    two = sum((kernel**2 for kernel in kernels), np.zeros_like(one))
    three = sum((kernel**3 for kernel in kernels), np.zeros_like(one))
    kernel = (one**3 - 3.0 * one * two + 2.0 * three) / 6.0
    scale = float(np.trace(kernel)) / len(kernel)
    return np.asarray(kernel / scale if scale > 1e-9 else np.zeros_like(kernel))
