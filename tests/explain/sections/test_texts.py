"""What a report says of texts: which letters a network uses, and what it answers letter by letter."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from nas_gym.explain.methods.attribution.hiding import TOKEN, ways_of
from nas_gym.explain.methods.attribution.occlusion import occlusion
from nas_gym.explain.methods.attribution.token_rows import GAP
from nas_gym.explain.sections.network.tokens import TokenAnswers
from nas_gym.tasks import make_task


class Spotter(nn.Module):
    """Answers the second class where a code is in the text, and otherwise the first."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = (x == self._code).any(1).double()
        return torch.stack([1 - found, found], 1) * 8


@pytest.fixture
def marked(tmp_path):
    """Texts of which those with an x are marked."""
    rng = np.random.default_rng(0)
    letters = ["".join(rng.choice(list("abcd"), rng.integers(3, 7))) for _ in range(200)]
    rows = [f"{text}x{text}\tyes" if number % 2 else f"{text}\tno" for number, text in enumerate(letters)]
    path = tmp_path / "marked.tsv"
    path.write_text("\n".join(["text\tmarked", *rows]), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_task({"name": "text", "path": str(path), "target": "marked"})


def test_the_letter_that_decides_is_found_by_hiding_each(marked) -> None:
    code = marked.coded.vocabulary.index("x")
    found = occlusion(Spotter(code), marked, ways_of(marked)[TOKEN], 0)
    x = marked.x_validation[found.rows]
    has_it = (x == code).any(axis=1)
    assert np.isnan(found.effects[x == 0]).all()  # behind the end nothing is hidden
    assert (found.effects[x == code] > 0.99).all()
    assert np.allclose(found.effects[(x > 0) & (x != code)], 0)
    assert found.drop == pytest.approx(has_it.mean())
    assert found.confirmed
    assert (found.random < found.drop).all()


def test_answers_that_are_tokens_are_shown_beside_what_is_right(tmp_path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("abcd" * 200, "utf-8")
    task = make_task({"name": "text", "path": str(path), "length": 4})
    names = len(task.target.names)
    outputs = np.zeros((len(task.y_validation), names, 4))
    for position in range(3):  # right at all positions but the last
        outputs[np.arange(len(outputs)), task.y_validation[:, position], position] = 5
    outputs[:, 0, 3] = 5
    answers = TokenAnswers(task, outputs.reshape(len(outputs), -1))
    (table,) = answers.tables()
    number, right, answered, count = table.rows[0]
    assert (number, count) == (1, "3 of 4")
    assert right[:3] == answered[:3]
    assert right[3] != answered[3]
    assert GAP not in right
    assert answers.words() == [
        "Its likeliest token is the right one 75.0% of the time, least at position 4 (0%), most at "
        "position 1 (100%)."
    ]
    assert answers.numbers() == {"right_by_position": [1.0, 1.0, 1.0, 0.0]}
