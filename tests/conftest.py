"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import hypothesis
import pytest
import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
import torch
from threadpoolctl import threadpool_limits

from tests.helpers.explain import drawing
from tests.helpers.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures for all tests

# The same examples every time, however busy the machine is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

LONGEST = (
    "test_ray.py",
    "test_kills.py",
    "test_disk.py",
    "test_malformed.py",
    "test_explain_browser.py",
    "test_browser.py",
    "test_explain_clock.py",
    "test_first_page.py",
    "test_estimators.py",
    "test_invariance.py",
    "test_processes.py",
    "test_ray.py",
    "test_outside_parts.py",
)
"""Files that are started first, so that no worker has a long one left when the others have finished."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file the order stays."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """Leave what was loaded so far out of the collections of garbage, which took a sixteenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Several threads only slow down tiny networks and matrices, and starve tests that run beside."""
    torch.set_num_threads(1)
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture
def undrawn() -> Iterator[None]:
    """Write reports with empty pictures, which `tests/explain/report` has drawn."""
    with drawing.undrawn():
        yield
