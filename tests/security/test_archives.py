"""Archives are read in memory: nothing in them leaves its folder, leads elsewhere, or fills the memory."""

from __future__ import annotations

import gzip
import io
import resource
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas_gym.errors import NASGymError
from nas_gym.tasks import make_task
from nas_gym.tasks.media import collection
from nas_gym.tasks.reading import file_kinds

NAMES = ["../{}.png", "/tmp/{}.png", "a/../../{}.png", "a/./../../../{}.png", "..\\{}.png", "C:\\{}.png"]


def picture(number: int) -> bytes:
    content = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def good() -> dict[str, bytes]:
    return {
        f"{kind}/{number}.png": picture(number + 50 * (kind == "b")) for kind in "ab" for number in range(20)
    }


def write(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tgz"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_out_of_an_archive_writes_nothing_there(tmp_path, name, kind):
    home = tmp_path / "home"
    home.mkdir()
    path = write(home / f"data{kind}", {**good(), name.format("escaped"): picture(3)})
    before = everything(tmp_path)
    with suppress(NASGymError):
        make_task({"name": "folder", "path": str(path)})
    assert everything(tmp_path) == before
    assert not Path("/tmp/escaped.png").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_are_no_examples(tmp_path, kind):
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture(7))
    path = tmp_path / "data.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in good().items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("a/link.png")
        link.type, link.linkname = kind, str(secret)
        archive.addfile(link)
    with collection.opened(path) as files:
        assert files.names() == sorted(good())


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "LARGEST", 1_000_000)
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
            archive.writestr(name, bytes(50_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NASGymError):
        make_task({"name": "folder", "path": str(path)})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB


def test_a_tar_that_says_it_is_huge_is_refused(tmp_path):
    path = tmp_path / "data.tar"
    with path.open("wb") as file:
        for name in ("a/1.png", "b/1.png"):
            member = tarfile.TarInfo(name)
            member.size = 2**36
            file.write(member.tobuf())
    with pytest.raises(NASGymError):
        make_task({"name": "folder", "path": str(path)})


def test_a_picture_bomb_is_refused(tmp_path):
    content = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(content, "PNG")
    path = write(
        tmp_path / "data.zip", {f"{kind}/{n}.png": content.getvalue() for kind in "ab" for n in "12"}
    )
    with pytest.raises(NASGymError):
        make_task({"name": "folder", "path": str(path)})


def test_a_compressed_table_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(file_kinds, "LARGEST", 1_000_000)
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000))
    with pytest.raises(NASGymError, match="larger than"):
        make_task({"name": "csv", "path": str(tmp_path / "data.csv.gz"), "target": "b"})


def test_an_archive_that_holds_archives_without_end_is_refused(tmp_path):
    content = b"a,b\n" + b"1,2\n" * 50
    for _ in range(8):
        content = gzip.compress(content)
    (tmp_path / "data.csv.gz").write_bytes(content)
    with pytest.raises(NASGymError, match="archives in archives"):
        make_task({"name": "csv", "path": str(tmp_path / "data.csv.gz"), "target": "b"})
