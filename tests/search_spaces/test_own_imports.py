"""A search space of the user that cannot be imported is one sentence, whatever its module raises."""

from __future__ import annotations

import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class Own(:", "spaces_of_mine raises SyntaxError"),
        ("Own = unheard_of", "spaces_of_mine raises NameError .name 'unheard_of'"),
        ("raise RuntimeError('no licence')", "spaces_of_mine raises RuntimeError .no licence"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
    ],
)
def test_what_a_module_of_the_user_raises_is_said(tmp_path, monkeypatch, source, said):
    (tmp_path / "spaces_of_mine.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NASGymError, match=f"search space 'spaces_of_mine:Own' cannot be imported.*{said}"):
        make_search_space("spaces_of_mine:Own", (1, 8, 8), 10)
