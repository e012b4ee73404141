"""What the tests of the user's own data share."""

from __future__ import annotations

import pytest

from nas_gym.errors import NASGymError
from nas_gym.tasks import make_task


def refused(words, spec):
    """Check that a task is refused in one sentence with these words."""
    with pytest.raises(NASGymError, match=words) as caught:
        make_task(spec)
    assert "\n" not in str(caught.value)
