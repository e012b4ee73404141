"""Pictures of few colours, with labels, as PNG: what a running search can afford to draw.

Matplotlib needs longer for one figure than a search on a table does for a hundred evaluations, and
a compressed image of indices into a palette takes a tenth of the time of one of colours. Letters
are rendered once a process and put together to labels.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageFont

SHADES = 16
# TensorBoard's tab of images shows wider pictures smaller, without smoothing.
SHOWN_WIDTH = 350
# One size of letters, since rendering the letters of another takes as long as drawing two pictures.
LETTERS = 11
LABELS_KEPT = 4096
# PNG's numbers for one byte a pixel into a palette, and for colours of 3 or 4 bytes.
PALETTE, KINDS = 3, {3: 2, 4: 6}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of at most 256 colours.

    Attributes:
        indices: the colour of each pixel, uint8 (height, width).
        palette: the colours, uint8 (colours, 3).
    """

    indices: np.ndarray
    palette: np.ndarray

    def pixels(self) -> np.ndarray:
        """Return the colours of the pixels, uint8 (height, width, 3)."""
        return np.asarray(self.palette[self.indices])

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        return _png(self.indices[..., None], PALETTE, _chunk(b"PLTE", self.palette.tobytes()))

    def shown(self) -> tuple[bytes, int, int]:
        """Return the picture as a PNG file for TensorBoard, its width and its height.

        One that TensorBoard would show smaller is made smaller here, with smoothing: it leaves out
        rows and columns, and an 8 then reads as a 0.
        """
        height, width = self.indices.shape
        if width <= SHOWN_WIDTH:
            return self.png(), width, height
        size = SHOWN_WIDTH, max(1, round(height * SHOWN_WIDTH / width))
        smaller = Image.fromarray(self.pixels()).resize(size, Image.Resampling.LANCZOS)
        return png(np.asarray(smaller)), *size


def png(pixels: np.ndarray) -> bytes:
    """Return pixels, uint8 (height, width, 3 or 4), as a PNG file."""
    return _png(pixels, KINDS[pixels.shape[2]])


def ramp(first: tuple[int, int, int], last: tuple[int, int, int], count: int = SHADES) -> np.ndarray:
    """Return colours from one to another in equal parts, uint8 (count, 3)."""
    return np.linspace(first, last, count).round().astype(np.uint8)


def stacked(pictures: list[Picture]) -> Picture:
    """Stack pictures of one palette one below the other, filled up to one width by the first colour."""
    width = max(picture.indices.shape[1] for picture in pictures)
    pads = [((0, 0), (0, width - picture.indices.shape[1])) for picture in pictures]
    rows = [np.pad(picture.indices, pad) for picture, pad in zip(pictures, pads, strict=True)]
    return Picture(np.concatenate(rows), pictures[0].palette)


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many letters, without its middle if it is long: ends tell most apart."""
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"


def fitted(text: str, width: int) -> np.ndarray:
    """Render a line of text as `label` does, without its middle where it is wider than so many pixels."""
    shown, longest = label(text), len(text)
    while shown.shape[1] > width and longest > 5:
        longest = max(5, min(longest - 1, longest * width // shown.shape[1]))
        shown = label(shortened(text, longest))
    return shown[:, :width]


@lru_cache(LABELS_KEPT)
def label(text: str) -> np.ndarray:
    """Render a line of text: how much ink is on each pixel, uint8 (height of a line, width), read only."""
    glyphs = [_glyph(letter) for letter in text]
    width = sum(advance for _, _, advance in glyphs)
    line = np.zeros((line_height(), width + 2), dtype=np.uint8)
    x = 0
    for ink, left, advance in glyphs:
        place = line[:, max(0, x + left) :][:, : ink.shape[1]]
        np.maximum(place, ink[:, : place.shape[1]], out=place)
        x += advance
    line.flags.writeable = False
    return line


@cache
def line_height() -> int:
    """Return the pixels from the top of the highest letter to the bottom of the lowest."""
    return sum(_font().getmetrics())


@lru_cache(LABELS_KEPT)
def _glyph(letter: str) -> tuple[np.ndarray, int, int]:
    """Return a letter as `label` shows it, where its ink starts, and how far on the next letter is."""
    font = _font()
    mask, (left, top) = font.getmask2(letter, "L")
    width, height = mask.size
    ink = np.zeros((line_height(), width), dtype=np.uint8)
    if width and height:
        drawn = np.asarray(Image.frombytes("L", mask.size, bytes(mask)))[: len(ink) - top]
        ink[top : top + len(drawn)] = drawn
    return ink, int(left), round(font.getlength(letter))


@cache
def _font() -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans out of Matplotlib's files, found without importing it."""
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(folder / "DejaVuSans.ttf", LETTERS, layout_engine=ImageFont.Layout.BASIC)


def _png(samples: np.ndarray, kind: int, palette: bytes = b"") -> bytes:
    """Return a PNG file of rows without filter, quickly compressed, uint8 (height, width, bytes a pixel).

    Source: W3C, Portable Network Graphics specification, section 5.
    """
    height, width = samples.shape[:2]
    rows = np.zeros((height, 1 + width * samples.shape[2]), dtype=np.uint8)
    rows[:, 1:] = samples.reshape(height, -1)
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(rows.data, 1))
    return b"\x89PNG\r\n\x1a\n" + head + palette + body + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
