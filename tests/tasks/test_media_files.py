"""Files of images and signals that are easily taken for something else: order, orientation, depth, names."""

from __future__ import annotations

import io
import itertools
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nas_gym.tasks import make_task
from nas_gym.tasks.media.collection import opened
from nas_gym.tasks.media.images import ImageForm
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.media.signals import SignalForm
from nas_gym.tasks.registry import loader_of
from tests.helpers.refusals import refused

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


def png(value: int) -> bytes:
    """Return a grey image of 2 x 2 pixels of one value."""
    content = io.BytesIO()
    Image.fromarray(np.full((2, 2), value, np.uint8)).save(content, "png")
    return content.getvalue()


def written(root: Path, *folders: str, each: int = 10) -> Path:
    """Write images into folders."""
    for place, folder in enumerate(folders):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            (root / folder / f"{place}_{number}.png").write_bytes(png(20 * place + number))
    return root


def tar_of(path: Path, files: list[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zip_of(path: Path, files: list[tuple[str, bytes]]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # zipfile warns of a name that is there twice
        for name, content in files:
            archive.writestr(name, content)
    return path


def test_a_workbook_with_pictures_is_a_table(tmp_path):
    files = ["[Content_Types].xml", "xl/workbook.xml", "xl/media/image1.png", "xl/media/image2.png"]
    book = zip_of(tmp_path / "book.xlsx", [(name, png(0)) for name in files])
    assert loader_of(book) == "csv"


@pytest.mark.parametrize("write", [tar_of, zip_of])
def test_a_file_that_is_twice_in_an_archive_is_one_example_the_later(tmp_path, write):
    files = [(f"{kind}/{number}.png", png(number)) for kind in ("cat", "dog") for number in range(8)]
    ending = "tar" if write is tar_of else "zip"
    once = make_task(str(write(tmp_path / f"once.{ending}", files)))
    earlier = [("cat/0.png", png(200)), *files]
    twice = make_task(str(write(tmp_path / f"twice.{ending}", earlier)))
    assert twice.fingerprint == once.fingerprint


def test_a_compressed_tar_is_read_forwards_and_gives_examples_by_name(tmp_path, monkeypatch):
    names = [f"{kind}/{number:02}.png" for kind in ("cat", "dog") for number in range(8)]
    files = [(name, png(place)) for place, name in enumerate(names)]
    plain = make_task(str(tar_of(tmp_path / "plain.tar", files)))
    offsets: list[int] = []
    extract = tarfile.TarFile.extractfile

    def watched(self, member):
        offsets.append(member.offset)
        return extract(self, member)

    monkeypatch.setattr(tarfile.TarFile, "extractfile", watched)
    backwards = make_task(str(tar_of(tmp_path / "backwards.tar.gz", files[::-1], "w:gz")))
    assert backwards.fingerprint == plain.fingerprint
    turns = sum(later < earlier for earlier, later in itertools.pairwise(offsets))
    assert turns <= 1  # sizes are looked at first, and then the images are read


def test_names_in_a_tar_may_begin_with_a_dot(tmp_path):
    path = tar_of(tmp_path / "a.tar", [("./cat/0.png", png(1)), ("cat/0.png", png(2))])
    with opened(path) as files:
        assert (files.names(), files.read("cat/0.png")) == (["cat/0.png"], png(2))


@pytest.mark.parametrize("column", ["path", "name", "image"])
def test_the_column_file_of_an_index_names_the_files_wherever_it_stands(tmp_path, column):
    root = written(tmp_path / "pets", "a", "b")
    files = sorted(file.relative_to(root).as_posix() for file in root.rglob("*.png"))
    frame = pd.DataFrame({"file": files, "y": [name[0] for name in files]})
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.insert(0, column, files[1:] + files[:1] if column == "path" else "rex")
    frame.to_csv(tmp_path / "both.csv", index=False)
    spec = {"name": "folder", "path": str(root), "target": "y"}
    plain = make_task({**spec, "index": str(tmp_path / "plain.csv")})
    assert make_task({**spec, "index": str(tmp_path / "both.csv")}).fingerprint == plain.fingerprint


def test_a_stray_folder_beside_those_of_parts_is_refused_by_name(tmp_path):
    root = written(tmp_path / "pets", "train/cat", "train/dog", "test/cat", "test/dog", "docs/figures")
    refused(r"beside the folders of parts \(test, train\), also docs", {"name": "folder", "path": str(root)})


@pytest.mark.parametrize(
    "folders", [("train", "test"), ("train/cat", "train/dog", "test"), ("val/a", "Test/a")]
)
def test_parts_are_no_classes(tmp_path, folders):
    root = written(tmp_path / "pets", *folders)
    refused("names of parts, not of classes", {"name": "folder", "path": str(root)})


def test_a_class_may_be_called_as_a_part_is(tmp_path):
    assert make_task(str(written(tmp_path / "vehicles", "car", "train"))).target.names == ("car", "train")


def test_an_image_of_16_bits_is_dark_if_its_values_are_small():
    form = ImageForm(2, 2, 1)
    for value in (0, 200, 257, 65535):
        content = io.BytesIO()
        Image.fromarray(np.full((2, 2), value, np.uint16)).save(content, "png")
        assert (form.read("a.png", content.getvalue()) == value // 257).all(), value


def test_an_image_of_floats_is_refused_with_its_reason():
    content = io.BytesIO()
    Image.fromarray(np.full((2, 2), 0.5, np.float32)).save(content, "tiff")
    with pytest.raises(Unreadable, match="floating-point"):
        ImageForm(2, 2, 1).read("a.tiff", content.getvalue())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3,4\n5,6\n", [[1, 3, 5], [2, 4, 6]]),
        ("1,2,3\n4,5,6\n", [[1, 4], [2, 5], [3, 6]]),
        ("a,b,c\n1,2,3\n", [[1], [2], [3]]),
        ("1;2;3\n", [[1, 2, 3]]),
        ("left right\n1  2\n 3 4\n", [[1, 3], [2, 4]]),
        ("1\t 2\n3\t4", [[1, 3], [2, 4]]),
        ("time (s; ms)\n1\n2\n", [[1, 2]]),
    ],
)
def test_rows_of_a_table_are_times_and_columns_channels_whatever_its_shape(text, expected):
    signal = np.array(expected, dtype=np.float32)
    form = SignalForm(len(signal), signal.shape[1], None)
    assert np.array_equal(form.read("a.csv", text.encode()), signal)


@pytest.mark.parametrize("text", ["1,,3\n4,5,6\n", "1,2\n,3\n", "\t1\n2\t3\n", "a,b\n1,2\n3,\n"])
def test_an_empty_cell_of_a_signal_is_refused(text):
    with pytest.raises(Unreadable, match="cell that is empty"):
        SignalForm(2, 2, None).read("a.csv", text.encode())
