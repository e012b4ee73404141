"""A deprecated name works, and warns whoever uses it."""

from __future__ import annotations

import pytest

from nas_gym._deprecation import deprecated, warn_deprecated


@deprecated("use `new`", removed_in="0.3")
def old(value, *, factor=2):
    """Return a multiple."""
    return value * factor


def test_a_deprecated_function_works_and_keeps_its_name():
    with pytest.warns(
        DeprecationWarning, match=r"old\(\) is deprecated .* nas-gym 0\.3: use `new`"
    ) as caught:
        assert old(3, factor=4) == 12
    assert caught[0].filename == __file__
    assert (old.__name__, old.__doc__) == ("old", "Return a multiple.")


def test_an_argument_is_blamed_on_its_caller():
    def takes(count=None):
        if count is not None:
            warn_deprecated("count", "pass number=...", removed_in="0.2")

    with pytest.warns(DeprecationWarning, match="count is deprecated") as caught:
        takes(count=1)
    assert caught[0].filename == __file__
