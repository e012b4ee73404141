"""Images in files, as arrays of one size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.media.collection import IMAGES, Opened, by_name, stream
from nas_gym.tasks.media.reading import Unreadable, reading

LONGEST = 64
"""Pixels of the longer side above which images are made smaller where nobody says their size."""
COLOURS = ("colour", "grey")
GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"})


@dataclass(frozen=True)
class ImageForm(ExampleForm):
    """How images become arrays: resized to one size, in colour or grey.

    Attributes:
        height, width: pixels.
        channels: 3 for red, green and blue, 1 for grey.
    """

    height: int
    width: int
    channels: int
    kind: ClassVar[str] = "image"
    what: ClassVar[str] = "images"
    suffixes: ClassVar[tuple[str, ...]] = IMAGES

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an array."""
        return self.channels, self.height, self.width

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return an image as uint8 (channels, height, width).

        What is transparent is white, and a photograph is turned as its camera was held.

        Raises:
            Unreadable: if it is no image.
        """
        with reading():
            return _array(_opened(content), (self.height, self.width), self.channels)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {"kind": self.kind, "height": self.height, "width": self.width, "channels": self.channels}


@dataclass(frozen=True)
class _Seen:
    """What the start of an image's file says of it."""

    size: tuple[int, int]
    grey: bool


def read_images(
    files: Opened, names: Sequence[str], size: object, colour: object
) -> tuple[ImageForm, np.ndarray, dict[str, str], list[str]]:
    """Return images as arrays of one size.

    Args:
        files: the folder or archive.
        names: names of the images.
        size: height and width, one number for both, or a text such as ``"32x48"``; None for that of the
            images, of several sizes for the median, at most `LONGEST` pixels.
        colour: ``"colour"`` or ``"grey"``; None to tell by the images.

    Returns:
        The form; uint8 (n, channels, height, width) of those that can be read; why others cannot, by name;
        what is to be said.

    Raises:
        NASGymError: if the options do not fit.
    """
    if colour not in (None, *COLOURS):
        raise unknown("colour", colour, COLOURS)
    asked = None if size is None else _size_of(size)
    seen, refused = _looked_at(files, names)
    if not seen:
        return ImageForm(1, 1, 1), np.zeros((0, 1, 1, 1), np.uint8), refused, []
    sizes = Counter(one.size for one in seen.values())
    height, width = asked or _usual(sizes)
    all_grey = all(one.grey for one in seen.values())
    channels = 1 if colour == "grey" or (colour is None and all_grey) else 3
    form = ImageForm(height, width, channels)
    found, damaged = _arrays(files, list(seen), form)
    refused |= damaged
    if not found:
        return form, np.zeros((0, *form.shape), np.uint8), refused, []
    x = np.stack(list(found.values()))
    notes = _resized(sizes, height, width)
    if colour is None and channels == 3 and bool((x[:, :1] == x).all()):
        form, x = ImageForm(height, width, 1), np.ascontiguousarray(x[:, :1])
        notes.append("the images have three equal channels, and are read as grey: colour='colour' keeps all")
    elif colour is None and channels == 3 and any(seen[name].grey for name in found):
        notes.append("some images are grey and are read as colour: colour='grey' reads all as grey")
    return form, x, refused, notes


def _looked_at(files: Opened, names: Sequence[str]) -> tuple[dict[str, _Seen], dict[str, str]]:
    seen, refused = {}, {}
    for name in files.in_order(names):
        try:
            with reading():
                image = _opened(files.read(name))
                width, height = image.size
                if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # taken with the camera on its side
                    width, height = height, width
                seen[name] = _Seen((height, width), image.mode in GREY_MODES)
        except (OSError, Unreadable) as error:
            refused[name] = str(error)
    return by_name(seen, names), by_name(refused, names)


def _arrays(
    files: Opened, names: Sequence[str], form: ImageForm
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return images as arrays, and why others cannot be read, by name."""
    found, refused = {}, {}
    for name in files.in_order(names):
        try:
            found[name] = form.read(name, files.read(name))
        except (OSError, Unreadable) as error:
            refused[name] = str(error)
    return by_name(found, names), by_name(refused, names)


def _opened(content: bytes) -> Image.Image:
    try:
        image = Image.open(stream(content))
    except UnidentifiedImageError as error:
        raise Unreadable("it is no image") from error
    if image.mode.startswith("F"):
        raise Unreadable("its pixels are floating-point numbers, whose white is not known")
    return image


def _array(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # of 16 bits, however dark it is
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray(np.clip(values / 257, 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    array = np.asarray(image)
    return array[None] if channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _usual(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """Return the size of images that differ: the median, and not too large."""
    heights, widths = (np.repeat([one[side] for one in sizes], list(sizes.values())) for side in (0, 1))
    height, width = int(np.median(heights)), int(np.median(widths))
    shrink = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _resized(sizes: Counter[tuple[int, int]], height: int, width: int) -> list[str]:
    if set(sizes) == {(height, width)}:
        return []
    least, most = min(sizes), max(sizes)
    of = (
        f"of {len(sizes):,} sizes, from {least[0]} x {least[1]} to {most[0]} x {most[1]} pixels,"
        if len(sizes) > 1
        else f"of {least[0]} x {least[1]} pixels"
    )
    return [f"images {of} are resized to {height} x {width} (height x width): size= says another size"]


def _size_of(size: object) -> tuple[int, int]:
    """Return the option ``size`` as height and width."""
    given: Any = size
    if isinstance(given, str):
        given = [int(part) if part.strip().isdigit() else part for part in given.lower().split("x")]
        given = given[0] if len(given) == 1 else given
    sides = [given, given] if whole(given) is not None else given
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        sides = [None]
    numbers = [whole(side) for side in sides]
    if any(number is None or not 1 <= number <= 4096 for number in numbers):
        raise ConfigError(
            f"size must be a number of pixels, or height and width such as '32x48', not {size!r}"
        )
    height, width = numbers
    assert height is not None
    assert width is not None
    return height, width
