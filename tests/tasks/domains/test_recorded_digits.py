"""Digits that people spoke: recordings split at random, and by speakers that training has not heard."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nas_gym.tasks import Task, make_task, standardised
from tests.helpers.data.shared_data import shared_file
from tests.tasks.test_media import sound

RATE, LENGTH = 8000, 4000
PARTS = ("train", "validation", "test")
SPEAKERS = "_(.+)_"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, Path]]]:
    """The official test part of the Free Spoken Digit Dataset as .wav files; the speaker of each."""
    arrays = np.load(shared_file("fsdd_int16.npz"))
    folder = tmp_path_factory.mktemp("digits")
    seen: Counter[str] = Counter()
    found = []
    samples, ends = arrays["x"], arrays["off"]
    for number in np.flatnonzero(arrays["test"]).tolist():
        digit, speaker = str(arrays["y"][number]), str(arrays["speaker"][number])
        heard = samples[ends[number] : ends[number + 1]]
        name = f"{digit}_{speaker}"
        path = folder / digit / f"{name}_{seen[name]}.wav"
        sound(path, heard / (2**15 - 1), RATE)
        seen[name] += 1
        found.append((speaker, path))
    return folder, found


def task_of(folder: Path, **options: object) -> Task:
    return make_task(
        {"name": "folder", "path": str(folder), "features": "log_mel", "length": LENGTH, **options}
    )


def speakers_of(task: Task, heard: list[tuple[str, Path]]) -> list[set[str]]:
    """Return the speakers of each part, whose examples are known by what the recordings become."""
    raw = np.stack([task.files.read(path.name, path.read_bytes()) for _, path in heard])
    known = standardised(raw, task.mean, task.scale)
    who = {x.tobytes(): speaker for x, (speaker, _) in zip(known, heard, strict=True)}
    return [{who[x.tobytes()] for x in getattr(task, f"x_{part}")} for part in PARTS]


def nearest(task: Task) -> float:
    """Return how often the training example that is nearest to one of the test part has its digit."""
    train, test = task.plain(task.x_train), task.plain(task.x_test)
    distances = (train**2).sum(1) - 2 * test @ train.T
    return float((task.y_train[distances.argmin(1)] == task.y_test).mean())


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_no_speaker_is_on_two_sides_and_who_was_not_heard_is_harder(
    digits: tuple[Path, list[tuple[str, Path]]],
) -> None:
    folder, heard = digits
    everybody = {speaker for speaker, _ in heard}
    assert (len(heard), len(everybody)) == (300, 6)
    random, held_out = task_of(folder), task_of(folder, group_in_name=SPEAKERS)
    assert speakers_of(random, heard) == [everybody] * 3
    train, validation, test = speakers_of(held_out, heard)
    assert train | validation | test == everybody
    assert not train & validation | train & test | validation & test
    assert "groups stay together" in held_out.split
    assert nearest(random) > nearest(held_out) + 0.2
