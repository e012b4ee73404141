"""Digits in scenes: colour images of a printed digit among others, made on the spot, as hard as asked."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import numpy as np

from nas_gym._checks import number, whole
from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.cache import Arrays, cached
from nas_gym.tasks.data import Data
from nas_gym.tasks.package_files import package_file
from nas_gym.tasks.preparation import Size

CLASSES = 10
EXAMPLES = 6_000
VERSION = 1
"""Raised when the generator makes other images."""
SIDES = (12, 64)
FACES = tuple(
    f"DejaVu{family}{style}"
    for family, styles in {
        "Sans": ("", "-Bold", "-Oblique", "-BoldOblique"),
        "SansMono": ("", "-Bold", "-Oblique", "-BoldOblique"),
        "Serif": ("", "-Bold", "-Italic", "-BoldItalic"),
    }.items()
    for style in styles
)
FOLDER = "matplotlib/mpl-data/fonts/ttf"
FACES_HASH = "16babe5c0753da54aeeea137816d6f96e5c7c2cb606e2973064f5fe7922d4261"
"""SHA-256 of the files of the faces, one after another, of DejaVu 2.37."""
HEIGHT = 0.62
"""Of a digit, in sides of the image, on average."""
CANDIDATES = 8
"""Colours of a digit that are tried, until one differs enough from its background."""
BATCH = 500


def scene_digits(
    side: int = 24,
    difficulty: float = 0.1,
    train_size: Size | None = 2_000,
    validation_size: Size = 2_000,
    test_size: Size = 2_000,
    seed: int = 42,
) -> Data:
    """Colour images (3, side, side) of 10 equally frequent classes: the digit in the middle.

    - **Source**: generated. The digits are the twelve DejaVu faces that matplotlib ships (Bitstream Vera and
      public domain, free to use), drawn by Pillow. The idea is that of Synth Digits (Ganin and Lempitsky
      2015, "Unsupervised Domain Adaptation by Backpropagation"): what makes house numbers hard, without
      photographs. The files of the faces are checked by their hash, and the images are kept in the cache
      folder, so that they are made once.
    - **An image**: a digit of a random face, colour, size, place, slant and rotation, before a background
      that runs from one colour to another. Parts of other digits stand left and right of it, as in SVHN,
      and the whole is blurred and noisy. Pixels are whole numbers from 0 to 255.
    - **Difficulty**: at 0 digits stand upright, alone and in clear colours; at 1 they are rotated by up to 40
      degrees, hardly differ from their background, have neighbours on both sides, and lie in strong noise.
    - **Examples**: as many of each digit; 2,000 for training, 2,000 for validation, 2,000 for test. More are
      made where the counts ask for more.
    - **Measured**: accuracy; chance is .10. The standard error of a validation accuracy of .5 is .011.
    - **Best known**: none is published, since the images are this package's own. Logistic
      regression on pixels gets .20, three convolutions .53 after 8 epochs, see the page on images.
    - **For ranking agents**: it is not fit. Chains of convolutions differ by 1.5 times the noise of a seed,
      and two seeds hardly agree (Spearman .41), see the page on images.

    Args:
        side: height and width in pixels, from 12 to 64.
        difficulty: from 0 to 1.
        train_size: as in `Preparation`.
        validation_size: as in `Preparation`.
        test_size: as in `Preparation`.
        seed: seed of the generation.
    """
    pixels, hard, start = whole(side), number(difficulty), whole(seed)
    if pixels is None or not SIDES[0] <= pixels <= SIDES[1]:
        raise ConfigError(f"side of scene_digits must be a whole number from 12 to 64, not {side!r}")
    if hard is None or not 0 <= hard <= 1:
        raise ConfigError(f"difficulty of scene_digits must be a number from 0 to 1, not {difficulty!r}")
    if start is None or not 0 <= start < 2**32:
        raise ConfigError(f"seed of scene_digits must be a whole number in [0, 2**32), not {seed!r}")
    sizes: dict[str, Any] = {
        "train_size": train_size,
        "validation_size": validation_size,
        "test_size": test_size,
    }
    asked = sum(count for count in map(whole, sizes.values()) if count is not None)
    examples = max(EXAMPLES, -(-asked // CLASSES) * CLASSES)
    key = {
        "version": VERSION,
        "examples": examples,
        "side": pixels,
        "difficulty": float(hard),
        "seed": start,
        "pillow": version("pillow"),
        "faces": FACES_HASH,
    }
    arrays = cached("scene_digits", key, lambda: _generated(examples, pixels, float(hard), start))
    return Data(arrays["x"], arrays["y"], defaults=sizes)


def _generated(examples: int, side: int, difficulty: float, seed: int) -> Arrays:
    glyphs = _glyphs(side)
    y = np.arange(examples) % CLASSES
    x = np.empty((examples, 3, side, side), dtype=np.uint8)
    for start in range(0, examples, BATCH):
        rng = np.random.default_rng([seed, start])
        x[start : start + BATCH] = _scenes(glyphs, y[start : start + BATCH], side, difficulty, rng)
    return {"x": x, "y": y.astype(np.int64)}


def _glyphs(side: int) -> np.ndarray:
    """Return how much each pixel of each digit of each face is covered, float32 (faces, 10, sides, sides).

    They are twice as large as in an image, slightly blurred, so that they can be rotated and shrunk by
    reading them between their pixels.
    """
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    paths = [
        package_file("matplotlib", f"{FOLDER}/{face}.ttf", task="scene_digits", install="matplotlib")
        for face in FACES
    ]
    found = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    if found != FACES_HASH:
        raise DataError(
            f"the DejaVu faces of matplotlib {version('matplotlib')} are not those that scene_digits is made "
            "of, DejaVu 2.37: pip install --force-reinstall matplotlib==3.11.2"
        )
    height = 2 * HEIGHT * side
    sides = 2 * round(height)
    glyphs = np.zeros((len(FACES), CLASSES, sides, sides), dtype=np.float32)
    for face, path in enumerate(paths):
        # A digit of DejaVu is .73 of the face's size high.
        font = ImageFont.truetype(str(path), round(height / 0.73), layout_engine=ImageFont.Layout.BASIC)
        for digit in range(CLASSES):
            image = Image.new("L", (sides, sides))
            left, top, right, bottom = font.getbbox(str(digit))
            corner = ((sides - left - right) // 2, (sides - top - bottom) // 2)
            ImageDraw.Draw(image).text(corner, str(digit), fill=255, font=font)
            glyphs[face, digit] = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), np.float32) / 255
    return glyphs


def _scenes(
    glyphs: np.ndarray, y: np.ndarray, side: int, difficulty: float, rng: np.random.Generator
) -> np.ndarray:
    """Return an image of each digit of `y`, uint8 (n, 3, side, side)."""
    n = len(y)
    face = rng.integers(len(FACES), size=n)
    ground, far_ground, ink = _colours(n, difficulty, rng)
    turn = np.deg2rad(rng.uniform(-40, 40, n) * difficulty)
    slant = rng.uniform(-0.3, 0.3, n) * difficulty
    scale = 1 + rng.uniform(-0.2, 0.2, n) * (0.25 + difficulty)
    shift = rng.uniform(-0.12, 0.12, (n, 2)) * side * difficulty
    slope = rng.normal(size=(n, 2))
    slope /= np.abs(slope).sum(axis=1, keepdims=True)
    steps = (np.arange(side) - (side - 1) / 2) / side
    along = 0.5 + slope[:, :1, None] * steps[:, None] + slope[:, 1:, None] * steps
    scene = ground[..., None, None] + (far_ground - ground)[..., None, None] * along[:, None]
    for direction in (0, -1, 1):
        which = y if direction == 0 else rng.integers(CLASSES, size=n)
        apart = rng.uniform(0.58, 0.8, n) * side * direction
        there = np.ones(n) if direction == 0 else rng.random(n) < min(1.0, 1.5 * difficulty)
        place = shift + np.stack([rng.uniform(-0.05, 0.05, n) * side * abs(direction), apart], axis=1)
        cover = _covered(glyphs[face, which], side, place, turn, slant, scale) * there[:, None, None]
        scene += (ink[..., None, None] - scene) * cover[:, None]
    blur = rng.uniform(0, difficulty, n)[:, None, None, None]
    scene += blur * (_smoothed(scene) - scene)
    scene += rng.normal(scale=60 * difficulty, size=scene.shape) * rng.uniform(0.3, 1, (n, 1, 1, 1))
    pixels: np.ndarray = np.clip(np.round(scene), 0, 255).astype(np.uint8)
    return pixels


def _colours(
    n: int, difficulty: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two colours that a background runs between and that of the digits, each (n, 3)."""
    ground = rng.uniform(0, 255, (n, 3))
    far_ground = np.clip(ground + rng.uniform(-120, 120, (n, 3)) * difficulty, 0, 255)
    tried = rng.uniform(0, 255, (n, CANDIDATES, 3))
    middle = (ground + far_ground)[:, None] / 2
    contrast = np.abs(tried - middle).mean(axis=2)
    enough = contrast >= 110 - 70 * difficulty
    chosen = np.where(enough.any(axis=1), enough.argmax(axis=1), contrast.argmax(axis=1))
    return ground, far_ground, tried[np.arange(n), chosen]


def _covered(
    glyphs: np.ndarray, side: int, place: np.ndarray, turn: np.ndarray, slant: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Return how much a turned, slanted and shifted digit covers of each pixel, (n, side, side).

    Args:
        glyphs: (n, sides, sides), twice the size.
        side: height and width of an image.
        place: (n, 2), where the digit's middle is, from that of the image: down and right, in pixels.
        turn: (n,), radians.
        slant: (n,), how far a row moves to the right for each row up.
        scale: (n,), 1 for the usual height.
    """
    n, sides = len(glyphs), glyphs.shape[1]
    steps = np.arange(side) - (side - 1) / 2
    down = steps[None, :, None] - place[:, :1, None]
    right = steps[None, None, :] - place[:, 1:, None]
    cos, sin, larger = np.cos(turn), np.sin(turn), 2 / scale
    row = (cos * larger)[:, None, None] * down - (sin * larger)[:, None, None] * right
    column = (sin * larger)[:, None, None] * down + (cos * larger)[:, None, None] * right
    column = column + slant[:, None, None] * row
    row = np.clip(row + (sides - 1) / 2, 0, sides - 1.001)
    column = np.clip(column + (sides - 1) / 2, 0, sides - 1.001)
    top, left = row.astype(np.int64), column.astype(np.int64)
    low, across = row - top, column - left
    flat = glyphs.reshape(-1)
    first = (np.arange(n)[:, None, None] * sides + top) * sides + left
    above = flat[first] * (1 - across) + flat[first + 1] * across
    below = flat[first + sides] * (1 - across) + flat[first + sides + 1] * across
    between: np.ndarray = above * (1 - low) + below * low
    return between


def _smoothed(scene: np.ndarray) -> np.ndarray:
    """Return images with each pixel mixed with its neighbours, by quarters, in both directions."""
    wide = np.pad(scene, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) / 4
    blurred: np.ndarray = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    return blurred
