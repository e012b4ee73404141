"""Words spoken by many voices, in noise, by voices that training has not heard."""

from __future__ import annotations

import numpy as np

from nas_gym._checks import listed, number, whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.tasks.cache import Arrays, cached
from nas_gym.tasks.data import Data
from nas_gym.tasks.division import Division
from nas_gym.tasks.media.log_mel import Frames, LogMelForm
from nas_gym.tasks.media.signals import SignalForm
from nas_gym.tasks.preparation import Size
from nas_gym.tasks.speech.recordings import Speech, recordings

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
ACCENTS = ("en-US", "en-GB-x-rp", "en-GB-scotland", "en-029", "en-GB-x-gbclan")
RATE, SECONDS = 8_000, 0.8
FEATURES = ("log_mel", "samples")


def spoken_words(
    train_size: Size | None = 2_600,
    validation_size: Size = 1_300,
    test_size: Size = 1_300,
    features: str = "log_mel",
    words: tuple[str, ...] = WORDS,
    accents: tuple[str, ...] = ACCENTS,
    speed: float = 0.3,
    snr: float = 0.0,
    held_out_voices: bool = True,
    seed: int = 0,
) -> Data:
    """Spoken words, log-mel frames (24, 41) or samples (1, 6400), of 10 equally frequent classes.

    Each of 104 voices says each word in 5 accents of English (American, British, Scottish, Caribbean,
    Lancastrian): 5,200 recordings of 0.8 seconds at 8 kHz. The words are the ten commands of Speech Commands
    (Warden 2018, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition"), whose recordings
    are in no package. These are synthetic: a formant synthesiser, eSpeak NG, speaks them, at a speed, pitch,
    loudness and place in the recording drawn for each, under pink noise of its own. So figures are for
    comparing networks, and say little of how one does on people.

    Validation and test are by voices that training does not have (81 voices, where variants of one, such as
    klatt2 and klatt3, are counted once), so that what is measured is whether a word is known whoever says it.
    With ``held_out_voices=False`` the parts are drawn at random, which is easier.

    Of log-mel, a frame is 40 ms long, one every 20 ms, with 24 bands of the mel scale to 4 kHz; a band is a
    channel. `nas-gym predict` takes .wav files of any rate.

    For ranking agents take the table ``NASTable-Speech-v0``, of convolutions on six of the words: the cells
    of ``asr_cell`` hardly differ beyond the noise of a seed (``docs/domains/speech.md``).

    The library, GPL-3, comes with the package espeakng-loader: `pip install 'nas-gym[speech]'`. Making takes
    some 10 seconds once, in a process of its own, then it is cached. One version of the package gives the
    same recordings each time; those of another processor or system may differ, of which the task's
    fingerprint tells.

    Args:
        train_size: as in `Preparation`; about so many, since voices stay together.
        validation_size: as in `Preparation`.
        test_size: as in `Preparation`.
        features: ``"log_mel"`` or ``"samples"``.
        words: the words, at least two, whatever is written in English.
        accents: accents of English that eSpeak NG has, such as ``"en-US"``.
        speed: share by which the speed of a recording may differ from the usual one, in [0, 0.5].
        snr: least signal-to-noise ratio of a recording, in dB; the most is 20 dB above.
        held_out_voices: whether no voice is in two parts.
        seed: seed of all that is drawn for a recording.
    """
    if features not in FEATURES:
        raise unknown("features of spoken_words", features, FEATURES)
    length = round(RATE * SECONDS)
    speech = Speech(
        _texts("words", words, 2),
        _texts("accents", accents, 1),
        _within("speed", speed, 0, 0.5),
        _within("snr", snr, -40, 100),
        length,
        RATE,
        _seed(seed),
    )
    samples = SignalForm(1, length, RATE)
    form = Frames().form(samples) if features == "log_mel" else samples
    key = {**speech.key(), "form": form.config()}
    arrays = cached("spoken_words", key, lambda: _made(speech, form))
    return Data(
        arrays["x"],
        arrays["word"],
        class_names=speech.words,
        files=form,
        division=_by_voice(arrays["speaker"]) if held_out_voices else None,
        defaults={"train_size": train_size, "validation_size": validation_size, "test_size": test_size},
    )


def _made(speech: Speech, form: LogMelForm | SignalForm) -> Arrays:
    said = recordings(speech)
    sounds = said.pop("samples")
    if isinstance(form, SignalForm):
        return {**said, "x": (sounds[:, None] / np.float32(2**15)).astype(np.float32)}
    return {**said, "x": np.stack([form.of_samples(sound / 2**15) for sound in sounds])}


def _by_voice(speakers: np.ndarray) -> Division:
    return Division(groups=speakers, names=(("groups", "voice"),), documented=True)


def _texts(option: str, values: object, least: int) -> tuple[str, ...]:
    given = listed(values) or []
    texts = all(isinstance(value, str) and value.strip() for value in given)
    if not texts or len(set(given)) < max(least, len(given)):
        raise ConfigError(
            f"{option} of spoken_words must be a list of at least {least} different texts, not {values!r}"
        )
    return tuple(given)


def _within(option: str, value: object, low: float, high: float) -> float:
    found = number(value)
    if found is None or not low <= found <= high:
        raise ConfigError(f"{option} of spoken_words must be a number from {low} to {high}, not {value!r}")
    return float(found)


def _seed(value: object) -> int:
    found = whole(value)
    if found is None or found < 0:
        raise ConfigError(f"seed of spoken_words must be a whole number of at least 0, not {value!r}")
    return found
