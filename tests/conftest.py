"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
import torch
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Several threads only slow down tiny networks and matrices, and starve tests that run beside."""
    torch.set_num_threads(1)
    with threadpool_limits(limits=1, user_api="blas"):
        yield
