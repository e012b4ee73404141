"""Images of CIFAR-10 from an archive of files, a folder for each class."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def read_images(archive: Path, of_class: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first images of each class, in the order of the archive.

    Args:
        archive: tar file of ``train/<class>/<image>`` and ``test/<class>/<image>``, of any compression.
        of_class: images of each class in the parts ``"train"``, ``"validation"`` and ``"test"``, none where
            a part is missing. Those of the first two are training images of CIFAR-10, first come first.

    Returns:
        Images of shape (n, 3, 32, 32), float32 in [0, 1]; the name of the class of each; and its part.
    """
    taken: Counter[tuple[str, str]] = Counter()
    images, labels, parts = [], [], []
    with tarfile.open(archive) as files:
        for member in files:
            names = Path(member.name).parts
            if len(names) != 3 or not member.isfile():
                continue
            part, label = names[:2]
            if part == "train" and taken["train", label] >= of_class["train"]:
                part = "validation"
            if taken[part, label] >= of_class.get(part, 0):
                continue
            taken[part, label] += 1
            content = files.extractfile(member)
            assert content is not None
            pixels = np.asarray(Image.open(io.BytesIO(content.read())).convert("RGB"))
            images.append(pixels.transpose(2, 0, 1).astype(np.float32) / 255)
            labels.append(label)
            parts.append(part)
    return np.stack(images), np.array(labels), np.array(parts)
