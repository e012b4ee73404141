"""Signals in files, as arrays of one length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.media.collection import SIGNALS, Opened, by_name, is_of, stream
from nas_gym.tasks.media.reading import Unreadable, reading

if TYPE_CHECKING:
    from nas_gym.tasks.media.log_mel import Frames, LogMelForm

LONGEST = 2**14
"""Points above which signals are cut where nobody says their length."""
LONGEST_FRAMED = 2**18
"""The same where frames are cut from them, which are fewer."""
DELIMITERS = ("\t", ";", ",")
"""What may part the cells of a table, the first that is there; else blanks do."""
TIMES_LONGER = 4  # a side of a .npy array that is so much longer than the other is that of time


@dataclass(frozen=True)
class SignalForm(ExampleForm):
    """How signals become arrays: of one rate, padded with zeros or cut at the end to one length.

    Attributes:
        channels: channels; 1 of files of several is their mean.
        length: points.
        rate: points a second, of .wav files; None where there are none.
    """

    channels: int
    length: int
    rate: int | None
    kind: ClassVar[str] = "signal"
    what: ClassVar[str] = "signals"
    suffixes: ClassVar[tuple[str, ...]] = SIGNALS

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an array."""
        return self.channels, self.length

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return a signal as float32 (channels, length).

        Raises:
            Unreadable: if it is none, or has another number of channels.
        """
        with reading():
            return self.fitted(*read_signal(name, content))

    def fitted(self, signal: np.ndarray, rate: int | None) -> np.ndarray:
        """Return a signal of some rate in this form."""
        if len(signal) != self.channels:
            if self.channels != 1:
                raise Unreadable(f"it has {len(signal)} channels, others {self.channels}")
            signal = signal.mean(axis=0, keepdims=True)
        if rate is not None and self.rate is not None and rate != self.rate:
            signal = _resampled(signal, rate, self.rate)
        found = np.zeros(self.shape, dtype=np.float32)
        kept = signal[:, : self.length]
        found[:, : kept.shape[1]] = kept
        return found

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {"kind": self.kind, "channels": self.channels, "length": self.length, "rate": self.rate}


def read_signals(
    files: Opened, names: Sequence[str], length: object, rate: object, frames: Frames | None = None
) -> tuple[SignalForm | LogMelForm, np.ndarray, dict[str, str], list[str]]:
    """Return signals as arrays of one length.

    Args:
        files: the folder or archive.
        names: names of the signals: .wav, .npy or .csv.
        length: points; None for the longest, at most `LONGEST`.
        rate: points a second of .wav files; None for the most frequent.
        frames: how frames are cut from them; None for the points as they are.

    Returns:
        The form; float32 (n, channels, length) of those that can be read; why others cannot, by name; what is
        to be said.

    Raises:
        NASGymError: if the options do not fit.
    """
    for option, value in (("length", length), ("rate", rate)):
        if value is not None and not (whole(value) or 0) >= 1:
            raise ConfigError(f"{option} must be a whole number of at least 1, not {value!r}")
    found: dict[str, _Size] = {}
    refused: dict[str, str] = {}
    # Read twice, since all of them at once, as long as they are, may not fit into memory.
    for name in files.in_order(names):
        try:
            with reading():
                signal, its_rate = read_signal(name, files.read(name))
            found[name] = _Size(len(signal), signal.shape[1], its_rate)
        except (OSError, Unreadable) as error:
            refused[name] = str(error)
    found, refused = by_name(found, names), by_name(refused, names)
    if not found:
        return SignalForm(1, 1, None), np.zeros((0, 1, 1), np.float32), refused, []
    limit = LONGEST if frames is None else LONGEST_FRAMED
    samples, notes = _form(list(found.values()), whole(length), whole(rate), limit)
    form = samples if frames is None else frames.form(samples, whole(rate))
    signals = np.empty((len(found), *form.shape), dtype=np.float32)
    places = {name: place for place, name in enumerate(found)}
    for name in files.in_order(list(found)):
        signals[places[name]] = form.fitted(*read_signal(name, files.read(name)))
    return form, signals, refused, notes


class _Size(NamedTuple):
    channels: int
    length: int
    rate: int | None


def _form(
    found: Sequence[_Size], length: int | None, rate: int | None, longest: int
) -> tuple[SignalForm, list[str]]:
    """Return the form that signals have in common, and what is to be said of those that differ."""
    notes = []
    rates = Counter(one.rate for one in found if one.rate is not None)
    common = None
    if rates:
        common = rate or min(rates, key=lambda one: (-rates[one], one))
        if set(rates) != {common}:
            shown = ", ".join(f"{one:,}" for one in sorted(rates))
            notes.append(
                f"signals of {shown} points a second are resampled to {common:,}: rate= says another"
            )
    channels = Counter(one.channels for one in found)
    number = next(iter(channels)) if len(channels) == 1 else 1
    if len(channels) > 1:
        shown = ", ".join(map(str, sorted(channels)))
        notes.append(f"signals have {shown} channels, whose mean is taken")
    lengths = [math.ceil(one.length * (common / one.rate if one.rate and common else 1)) for one in found]
    chosen = length or min(max(lengths), longest)
    longer, shorter = (sum(one > chosen for one in lengths), sum(one < chosen for one in lengths))
    if longer or shorter:
        done = [
            f"{count:,} are {what}"
            for count, what in ((longer, "cut at the end"), (shorter, "padded with zeros at the end"))
            if count
        ]
        notes.append(f"signals are {chosen:,} points long, {' and '.join(done)}: length= says another length")
    return SignalForm(number, chosen, common), notes


def read_signal(name: str, content: bytes) -> tuple[np.ndarray, int | None]:
    """Return a signal as float64 (channels, length), and its rate where it is known."""
    if is_of(name, (".wav",)):
        signal, rate = _of_wave(content)
    elif is_of(name, (".npy",)):
        signal, rate = _of_array(np.load(stream(content), allow_pickle=False)), None
    else:
        signal, rate = _of_text(content), None
    if not signal.size:
        raise Unreadable("it is empty")
    if not np.isfinite(signal).all():
        raise Unreadable("it has values that are NaN or infinite")
    return signal, rate


def _of_wave(content: bytes) -> tuple[np.ndarray, int]:
    """Return a .wav as (channels, length), in [-1, 1] where it holds whole numbers."""
    from scipy.io import wavfile

    rate, values = wavfile.read(stream(content))
    kind = values.dtype
    signal = np.atleast_2d(values.T).astype(np.float64)
    if kind == np.uint8:
        signal = (signal - 128) / 128
    elif kind.kind == "i":  # 24 bits are the upper ones of 32
        signal = signal / -float(np.iinfo(kind).min)
    return signal, int(rate)


def _of_array(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
        raise Unreadable(f"it is of shape {array.shape} and type {array.dtype}, expected numbers (length,)")
    signal = np.atleast_2d(array).astype(np.float64)
    return signal.T if signal.shape[0] > TIMES_LONGER * signal.shape[1] else signal


def _of_text(content: bytes) -> np.ndarray:
    """Return a table of numbers as (channels, length).

    A row is a point in time and a column a channel, whatever the table's shape; only a row that stands alone,
    without names of channels, is one channel.
    """
    lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    if not lines:
        return np.zeros((1, 0))
    # The last line has numbers only, while names of channels may hold any of these.
    delimiter = next((each for each in DELIMITERS if each in lines[-1]), None)
    rows = [[cell.strip() for cell in line.split(delimiter)] for line in lines]
    named = any(cell and not _is_number(cell) for cell in rows[0])
    rows = rows[1:] if named else rows
    if any("" in row for row in rows):
        raise Unreadable("it has a cell that is empty")
    if len({len(row) for row in rows}) > 1:
        raise Unreadable("its rows differ in length")
    table = np.array(rows, dtype=np.float64)
    return table if len(rows) == 1 and not named else table.T


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _resampled(signal: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    resampled: np.ndarray = resample_poly(signal, wanted // common, rate // common, axis=1)
    return resampled
