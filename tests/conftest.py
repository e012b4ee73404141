"""What all tests share."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread() -> None:
    """Several threads only slow down tiny networks, and starve tests that run beside."""
    torch.set_num_threads(1)
