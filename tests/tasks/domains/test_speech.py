"""Spoken words, and the user's own recordings as log-mel frames."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from nas_gym.deploy import load_network, save_network
from nas_gym.errors import ConfigError, DataWarning
from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import LogMelForm, cache, form_of, make_task
from nas_gym.tasks.speech import recordings
from nas_gym.tasks.speech.recordings import Speech, family
from nas_gym.testing import check_task
from tests.helpers.refusals import refused
from tests.tasks.test_media import sound

loader = import_module("nas_gym.tasks.builtin.spoken_words")  # the package has a function of that name
SMALL = {
    "name": "spoken_words",
    "words": ["yes", "no"],
    "accents": ["en-US"],
    "train_size": 100,
    "validation_size": 50,
    "test_size": 50,
}
SPEECH = Speech(("go",), ("en-US",), 0.2, 10.0, 4000, 8000, 0)
ignored = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr(cache.platformdirs, "user_cache_path", lambda *_, **__: folder)
        yield folder


def test_spoken_words_are_frames_by_voices_that_training_has_not_heard():
    task = make_task(SMALL)
    assert (task.inputs, task.input_shape, task.target.names) == ("signal", (24, 41), ("yes", "no"))
    assert task.split.startswith("by voice, whose groups stay together")
    assert task.files == LogMelForm(6400, 8000, 24, 320, 160)
    assert abs(len(task.y_train) - 100) <= 20
    data = loader.spoken_words(words=("yes", "no"), accents=("en-US",))
    assert data.division.groups is not None
    assert len(np.unique(data.division.groups)) == 81
    assert make_task({**SMALL, "held_out_voices": False}).split.startswith("at random")


def test_samples_are_what_the_frames_are_made_of():
    frames, samples = (
        loader.spoken_words(words=("yes", "no"), accents=("en-US",), features=features)
        for features in ("log_mel", "samples")
    )
    assert samples.x.shape == (208, 1, 6400)
    assert make_task({**SMALL, "features": "samples"}).facts["rate"] == 8000
    np.testing.assert_array_equal(frames.files.of_samples(samples.x[7, 0]), frames.x[7])
    np.testing.assert_array_equal(frames.files.fitted(samples.x[7], 8000), frames.x[7])


def test_recordings_are_the_same_from_each_process():
    one, other = recordings.recordings(SPEECH), recordings.recordings(SPEECH)
    assert one["samples"].shape == (104, 4000)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert np.abs(one["samples"]).max(axis=1).min() > 1000


def test_the_least_ratio_of_signal_to_noise_is_a_dial():
    clear, hoarse = (
        recordings.recordings(Speech(("go",), ("en-US",), 0.0, snr, 4000, 8000, 0))["samples"]
        for snr in (60.0, -20.0)
    )
    quiet = [np.sort(np.abs(part.astype(float)), axis=1)[:, :400].mean() for part in (clear, hoarse)]
    assert quiet[1] > 10 * quiet[0]


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("klatt", "klatt"),
        ("klatt3", "klatt"),
        ("Mike", "mike"),
        ("mike2", "mike"),
        ("f2", "f2"),
        ("m7", "m7"),
    ],
)
def test_numbered_variants_of_a_voice_are_one_speaker(voice, expected):
    assert family(voice) == expected


def test_without_the_package_one_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(recordings, "PACKAGE", "no-such-package")
    with pytest.raises(ConfigError, match=r"pip install 'nas-gym\[speech\]'$"):
        make_task("spoken_words")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": "mfcc"}, "unknown features of spoken_words 'mfcc'"),
        ({"words": ["yes"]}, "words of spoken_words must be a list of at least 2 different texts"),
        ({"words": ["yes", "yes"]}, "at least 2 different texts"),
        ({"accents": ["en-UK"]}, "unknown accent 'en-UK'"),
        ({"speed": 0.9}, "speed of spoken_words must be a number from 0 to 0.5"),
        ({"snr": "loud"}, "snr of spoken_words must be a number"),
        ({"seed": -1}, "seed of spoken_words must be a whole number of at least 0"),
    ],
)
def test_a_bad_option_of_spoken_words_is_named_in_one_sentence(options, words):
    refused(words, {**SMALL, **options})


def speakers(root, each=4, rate=8000):
    """Two words, a low and a high tone, by three speakers."""
    rng = np.random.default_rng(0)
    for word, pitch in (("low", 400), ("high", 1600)):
        for speaker in ("ann", "bob", "cy"):
            for number in range(each):
                time = np.arange(rate // 4 + 100 * number) / rate
                tone = np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6)) * rng.uniform(0.3, 0.9)
                sound(root / word / f"{word}_{speaker}_{number}.wav", tone, rate)
    return root


@ignored
def test_a_folder_of_recordings_becomes_frames_and_so_do_new_files(tmp_path):
    root = speakers(tmp_path / "words")
    task = make_task({"name": "folder", "path": str(root), "features": "log_mel", "bands": 12})
    check_task(task)
    assert task.inputs == "signal"
    assert task.files.shape == task.input_shape == (12, 15)
    assert task.files == form_of(task.files.config())
    space = make_search_space({"name": "asr_cell", "channels": [8]}, task.input_shape, task.outputs)
    architecture = space.members()["residual"]
    module, _ = TrainEvaluator(space, task, "cpu", recipe={"epochs": 1}).fit(architecture, 0)
    save_network(tmp_path / "words.pt", space, task, architecture, module)
    saved = load_network(tmp_path / "words.pt")
    assert saved.files == task.files
    time = np.arange(16_000 // 4) / 16_000  # another rate than those of training
    sound(tmp_path / "new.wav", 0.5 * np.sin(2 * np.pi * 400 * time), 16_000)
    sound(tmp_path / "same.wav", 0.5 * np.sin(2 * np.pi * 400 * time[::2]), 8_000)
    new, same = saved.predict(tmp_path / "new.wav"), saved.predict(tmp_path / "same.wav")
    np.testing.assert_allclose(new, same, atol=0.05)


@ignored
def test_a_pattern_of_the_names_keeps_speakers_together(tmp_path):
    spec = {"name": "folder", "path": str(speakers(tmp_path / "words")), "features": "log_mel"}
    task = make_task({**spec, "group_in_name": "_(.+)_"})
    assert task.split == (
        "by group in the name, whose groups stay together: 1, 1 and 1 in train, validation and test"
    )
    assert [len(part) for part in (task.y_train, task.y_validation, task.y_test)] == [8, 8, 8]
    for pattern, words in (
        ("_.+_", "has 0 groups in parentheses, expected 1"),
        ("(", "is no regular expression"),
        ("-(.+)-", "finds no group in 24 names"),
    ):
        refused(words, {**spec, "group_in_name": pattern})


@ignored
def test_recordings_that_cannot_be_read_are_counted(tmp_path):
    root = speakers(tmp_path / "words")
    (root / "low" / "low_ann_0.wav").write_bytes(b"RIFF")
    sound(root / "high" / "high_ann_0.wav", np.zeros(0))
    with pytest.warns(DataWarning, match="2 of 24 recordings cannot be read and are left out"):
        task = make_task({"name": "folder", "path": str(root), "features": "log_mel"})
    assert sum(len(part) for part in (task.y_train, task.y_validation, task.y_test)) == 22


@ignored
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": 12}, "bands is for frames: pass features='log_mel'"),
        ({"features": "mfcc"}, "unknown features of signals 'mfcc'"),
        ({"features": "log_mel", "bands": 0}, "bands must be a whole number of at least 1"),
        ({"features": "log_mel", "hop_ms": -1}, "hop_ms must be a number of milliseconds above 0"),
    ],
)
def test_a_bad_option_of_frames_is_named_in_one_sentence(tmp_path, options, words):
    refused(words, {"name": "folder", "path": str(speakers(tmp_path / "words", each=1)), **options})


@ignored
def test_frames_of_files_without_a_rate_need_one(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "arrays" / name).mkdir(parents=True)
        for number in range(6):
            values = np.random.default_rng(number).normal(size=900)
            np.save(tmp_path / "arrays" / name / f"{number}.npy", values)
    spec = {"name": "folder", "path": str(tmp_path / "arrays"), "features": "log_mel"}
    refused("log_mel needs points a second, which the files do not say: pass rate", spec)
    assert make_task({**spec, "rate": 4000}).input_shape == (24, 12)
