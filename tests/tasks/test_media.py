"""Images and signals in files: a folder for each class, archives, an index; arrays in any usual layout."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
import wave
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nas_gym.deploy import load_network, predict_file, save_network
from nas_gym.errors import NASGymError
from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.checks import as_trained
from nas_gym.testing import check_task
from tests.helpers.refusals import refused

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


def picture(path, seed, size=(12, 10), mode="RGB", **options):
    """Write an image of noise; size is width and height."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size[::-1] if mode == "L" else (*size[::-1], len(mode))
    values = rng.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values, mode).save(path, **options)
    return values


def folder_of(root, classes=("cat", "dog"), each=8, suffix="png", **options):
    for name in classes:
        for number in range(each):
            picture(root / name / f"{number:02}.{suffix}", hash_of(name, number), **options)
    return root


def hash_of(name, number):
    return sum(map(ord, name)) * 1000 + number


def sound(path, values, rate=8000, width=2):
    """Write a .wav of numbers in [-1, 1], (length,) or (length, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.atleast_2d(np.asarray(values, dtype=float).T).T
    whole = np.round(values * (2 ** (8 * width - 1) - 1)).astype(np.int64) + (128 if width == 1 else 0)
    content = b"".join(int(one).to_bytes(width, "little", signed=width > 1) for one in whole.ravel())
    with wave.open(str(path), "wb") as file:
        file.setnchannels(values.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content)


def packed(folder, path):
    """Write an archive of a folder."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
            archive.add(folder, folder.name)
    return path


def test_a_folder_for_each_class_is_a_task_of_images(tmp_path):
    task = make_task(str(folder_of(tmp_path / "pets")))
    check_task(task)
    assert (task.name, task.inputs, task.input_shape) == ("pets", "image", (3, 10, 12))
    assert task.target.names == ("cat", "dog")
    first = picture(tmp_path / "again.png", hash_of("cat", 0))
    raw = task.x_train * task.scale + task.mean
    raw = np.concatenate(
        [raw, task.x_validation * task.scale + task.mean, task.x_test * task.scale + task.mean]
    )
    assert any(np.allclose(one, first.transpose(2, 0, 1), atol=0.01) for one in raw)


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_an_archive_is_read_as_its_folder_and_nothing_is_unpacked(tmp_path, ending):
    plain = folder_of(tmp_path / "pets")
    archive = packed(plain, tmp_path / f"pets{ending}")
    before = sorted(tmp_path.rglob("*"))
    assert make_task(archive).fingerprint == make_task(plain).fingerprint
    assert sorted(tmp_path.rglob("*")) == before


def test_files_that_change_are_read_anew_and_others_once(tmp_path):
    root = folder_of(tmp_path / "pets")
    first = make_task(root)
    assert make_task(root).fingerprint == first.fingerprint
    picture(root / "cat" / "00.png", 99)
    assert make_task(root).fingerprint != first.fingerprint
    assert make_task({"name": "folder", "path": str(root), "size": [8, 8]}).input_shape == (3, 8, 8)


def test_names_and_links_that_lead_out_of_an_archive_are_only_names(tmp_path):
    folder_of(tmp_path / "pets")
    content = (tmp_path / "pets/cat/00.png").read_bytes()
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        for place in range(10):
            for name in (f"cat/{place}.png", f"dog/{place}.png"):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("cat/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    task = make_task({"name": "folder", "path": str(path)})
    assert len(task.y_train) + len(task.y_validation) + len(task.y_test) == 20
    assert not (tmp_path.parent / "passwd").exists()


def test_folders_of_parts_are_a_named_split(tmp_path):
    root = tmp_path / "pets"
    for part, each in (("train", 10), ("val", 4), ("test", 5)):
        folder_of(root / part, each=each)
    task = make_task(root)
    assert [len(y) for y in (task.y_train, task.y_validation, task.y_test)] == [20, 8, 10]
    assert task.split == "by folder"
    for file in sorted((root / "val").rglob("*.png")):
        file.unlink()
    task = make_task(root)
    assert [len(y) for y in (task.y_train, task.y_validation, task.y_test)] == [16, 4, 10]
    assert "validation is drawn from train" in task.split


def test_images_of_several_sizes_and_modes_become_one_and_that_is_said(tmp_path):
    root = folder_of(tmp_path / "pets")
    for number in range(4):
        picture(root / "cat" / f"large{number}.jpg", number, size=(300, 200))
        picture(root / "dog" / f"grey{number}.png", number, size=(30, 20), mode="L")
        picture(root / "dog" / f"clear{number}.png", number, size=(12, 10), mode="RGBA")
    task = make_task(root)
    assert task.input_shape == (3, 10, 12)
    assert any("from 10 x 12 to 200 x 300 pixels, are resized to 10 x 12" in note for note in task.notes)
    assert any("some images are grey" in note for note in task.notes)
    sized = make_task({"name": "folder", "path": str(root), "size": "16x8", "colour": "grey"})
    assert sized.input_shape == (1, 16, 8)
    grey = make_task(folder_of(tmp_path / "grey", mode="L"))
    assert grey.input_shape == (1, 10, 12)
    large = make_task(folder_of(tmp_path / "large", size=(256, 128)))
    assert large.input_shape == (3, 32, 64)


def test_what_cannot_be_read_is_counted_and_said(tmp_path):
    root = folder_of(tmp_path / "pets")
    (root / "cat" / "broken.png").write_bytes(b"no image")
    (root / "cat" / "half.png").write_bytes((root / "cat" / "00.png").read_bytes()[:100])
    (root / "notes.txt").write_text("hello")
    (root / "stray.png").write_bytes((root / "cat" / "00.png").read_bytes())
    (root / "cat" / ".hidden.png").write_bytes(b"nothing")
    notes = " | ".join(make_task(root).notes)
    assert (
        "2 of 18 images cannot be read and are left out, the first cat/broken.png (it is no image)" in notes
    )
    assert "left out, since they are no images: 1 of 20 files, notes.txt" in notes
    assert "left out, since they are in no folder of a class: 1 files, stray.png" in notes


def test_an_index_names_the_target_and_what_splits(tmp_path):
    root = folder_of(tmp_path / "pets", each=15)
    files = sorted(file.relative_to(root).as_posix() for file in root.rglob("*.png"))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "file": files,
            "weight": rng.normal(size=30).round(3),
            "owner": np.arange(30) % 6,
            "kind": [file.split("/")[0] for file in files],
        }
    )
    frame.to_csv(root / "pets.csv", index=False)
    spec = {"name": "folder", "path": str(root), "index": str(root / "pets.csv")}
    task = make_task({**spec, "target": "weight", "target_kind": "values", "group": "owner"})
    check_task(task)
    assert (task.target.names, task.target.kind) == (("weight",), "values")
    assert "groups stay together" in task.split
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint
    by_index, by_folder = make_task({**spec, "target": "kind"}), make_task(root)
    assert by_index.fingerprint == by_folder.fingerprint
    frame.assign(file=frame["file"].where(frame.index > 1, "lost.png")).to_csv(root / "pets.csv", index=False)
    notes = " | ".join(make_task({**spec, "target": "kind"}).notes)
    assert "lacks the files that pets.csv names: 2, lost.png" in notes
    assert "since pets.csv does not name them: 2 files" in notes


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sounds_of_any_width_are_numbers_up_to_1(tmp_path, width):
    rng = np.random.default_rng(0)
    values = rng.uniform(-0.9, 0.9, (10, 50))
    for number, each in enumerate(values):
        sound(tmp_path / "s" / f"class{number % 2}" / f"{number}.wav", each, width=width)
    task = make_task(tmp_path / "s")
    assert (task.inputs, task.input_shape, task.target.names) == ("signal", (1, 50), ("class0", "class1"))
    raw = np.concatenate([task.x_train, task.x_validation, task.x_test]) * task.scale + task.mean
    for each in values:
        assert np.abs(raw[:, 0] - each).max(axis=1).min() < 2.1 / 2 ** (8 * min(width, 2) - 1)


def test_signals_of_several_rates_lengths_and_channels_become_one_form(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(12):
        place = tmp_path / "s" / ("low" if number % 2 else "high")
        rate = 16000 if number > 9 else 8000
        seconds = 0.05 + 0.01 * number
        time = np.arange(int(seconds * rate)) / rate
        wave_of = np.sin(2 * np.pi * (300 if number % 2 else 900) * time) * rng.uniform(0.5, 0.9)
        sound(place / f"{number}.wav", np.stack([wave_of, wave_of], axis=1) if number == 3 else wave_of, rate)
    task = make_task({"name": "folder", "path": str(tmp_path / "s")})
    check_task(task)
    assert task.input_shape == (1, 1280)
    notes = " | ".join(task.notes)
    assert "8,000, 16,000 points a second are resampled to 8,000" in notes
    assert "signals have 1, 2 channels, whose mean is taken" in notes
    assert "11 are padded with zeros at the end" in notes
    short = make_task({"name": "folder", "path": str(tmp_path / "s"), "length": 200, "rate": 4000})
    assert short.input_shape == (1, 200)
    assert short.files.config() == {"kind": "signal", "channels": 1, "length": 200, "rate": 4000}


def test_long_signals_are_not_all_held_at_once(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(30):
        sound(tmp_path / "s" / "ab"[number % 2] / f"{number}.wav", rng.uniform(-0.5, 0.5, 100_000), 8000)
    spec = {"name": "folder", "path": str(tmp_path / "s"), "length": 50}
    make_task(spec)  # what reads recordings is imported now, which takes more memory than they do
    tracemalloc.start()
    task = make_task(spec)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert task.input_shape == (1, 50)
    assert peak < 10 * 100_000 * 8  # less than ten of the thirty as they are read


def test_signals_in_arrays_and_tables_are_read(tmp_path):
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(12, 2, 30))
    for number, signal in enumerate(signals):
        place = tmp_path / "s" / f"c{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        if number < 4:
            np.save(place / f"{number}.npy", signal)
        elif number < 8:
            np.save(place / f"{number}.npy", signal.T)
        else:
            pd.DataFrame(signal.T, columns=["left", "right"]).to_csv(place / f"{number}.csv", index=False)
    task = make_task(tmp_path / "s")
    assert task.input_shape == (2, 30)
    raw = np.concatenate([task.x_train, task.x_validation, task.x_test]) * task.scale + task.mean
    for signal in signals:
        assert np.abs(raw - signal).max(axis=(1, 2)).min() < 1e-5


def test_a_saved_network_reads_new_files_as_it_learned_to(tmp_path):
    root = folder_of(tmp_path / "pets", each=10)
    picture(root / "cat" / "large.png", 1, size=(40, 40))
    task = make_task({"name": "folder", "path": str(root), "size": 8})
    space = make_search_space("conv", task.input_shape, task.outputs)
    architecture = space.parse("conv3-16-relu")
    module, _ = TrainEvaluator(space, task, "cpu", recipe={"epochs": 1}).fit(architecture, 0)
    save_network(tmp_path / "pets.pt", space, task, architecture, module)
    saved = load_network(tmp_path / "pets.pt")
    assert saved.files == task.files
    found = predict_file(saved, root)
    assert found.names == ("file", "predicted", "probability cat", "probability dog")
    assert found.rows[0][0] == "cat/00.png"
    one = saved.predict(root / "cat" / "00.png")
    assert np.allclose(one[0], found.answers[0], atol=1e-6)
    archive = packed(root, tmp_path / "new.zip")
    assert np.allclose(saved.predict(archive), found.answers, atol=1e-6)
    (root / "cat" / "broken.png").write_bytes(b"no image")
    with pytest.raises(NASGymError, match=r"cat/broken\.png cannot be read as image"):
        saved.predict(root)


def test_new_signals_may_come_as_one_array_in_a_file(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(20):
        sound(tmp_path / "s" / "ab"[number % 2] / f"{number}.wav", rng.uniform(-0.5, 0.5, 60), 8000)
    task = make_task({"name": "folder", "path": str(tmp_path / "s")})
    space = make_search_space("conv", task.input_shape, task.outputs)
    architecture = space.parse("conv3-16-relu")
    module, _ = TrainEvaluator(space, task, "cpu", recipe={"epochs": 1}).fit(architecture, 0)
    save_network(tmp_path / "s.pt", space, task, architecture, module)
    saved = load_network(tmp_path / "s.pt")
    several = rng.uniform(-0.5, 0.5, (4, 1, 60)).astype(np.float32)
    np.save(tmp_path / "several.npy", several)
    np.save(tmp_path / "one.npy", several[0])
    answers = saved.predict(tmp_path / "several.npy")
    assert np.array_equal(answers, saved.predict(several))
    assert np.allclose(saved.predict(tmp_path / "one.npy"), answers[:1], atol=1e-6)


def test_arrays_of_images_are_read_in_any_usual_layout_and_new_ones_too(tmp_path):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (40, 3, 9, 7), dtype=np.uint8)
    y = np.arange(40) % 2
    reference = Task.from_arrays(first, y)
    with pytest.warns(UserWarning, match="whose 3 channels are last"):
        last = Task.from_arrays(np.ascontiguousarray(first.transpose(0, 2, 3, 1)), y)
    assert last.fingerprint == reference.fingerprint
    with pytest.warns(UserWarning, match="read as images of one channel"):
        grey = Task.from_arrays(first[:, 0], y)
    assert grey.input_shape == (1, 9, 7)
    with pytest.warns(UserWarning, match="read as images of one channel"):
        square = Task.from_arrays(rng.normal(size=(40, 8, 8)), y)
    assert square.input_shape == (1, 8, 8)
    assert Task.from_arrays(first[:, 0], y, inputs="signal").input_shape == (9, 7)
    space = make_search_space("conv", reference.input_shape, 2)
    architecture = space.parse("conv3-16-relu")
    module, _ = TrainEvaluator(space, reference, "cpu", recipe={"epochs": 1}).fit(architecture, 0)
    save_network(tmp_path / "n.pt", space, reference, architecture, module)
    saved = load_network(tmp_path / "n.pt")
    assert np.array_equal(saved.predict(first), saved.predict(first.transpose(0, 2, 3, 1)))


def test_bad_folders_are_refused_in_a_sentence(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    spec = {"name": "folder", "path": str(empty)}
    refused("has no images or signals among its 0 files", spec)
    refused("there is no file", {**spec, "path": str(tmp_path / "absent")})
    picture(empty / "one.png", 0)
    refused("has no folder for each class", spec)
    picture(empty / "cat" / "one.png", 0)
    refused("class", spec)
    root = folder_of(tmp_path / "pets")
    good = {"name": "folder", "path": str(root)}
    refused("size must be a number of pixels", {**good, "size": "large"})
    refused("size must be a number or a text", {**good, "size": {}})
    refused("unknown colour 'color'.*did you mean 'colour'", {**good, "colour": "color"})
    refused("length is for signals, and the files are images", {**good, "length": 10})
    refused("target is a column of an index", {**good, "target": "kind"})
    refused("has no images or signals", {**good, "inputs": "signal"})
    refused("unknown inputs of files 'features'", {**good, "inputs": "features"})
    (root / "list.csv").write_text("a,b\n1,2\n")
    refused(
        "name the one with the names of the files 'file'",
        {**good, "index": str(root / "list.csv"), "target": "a"},
    )
    (root / "list.csv").write_text("file,b\nx.png,2\n")
    refused("none of the files that list.csv names", {**good, "index": str(root / "list.csv"), "target": "b"})
    refused("needs its target", {**good, "index": str(root / "list.csv")})
    (tmp_path / "no.tar").write_bytes(b"nothing")
    refused("neither a folder nor a .zip or .tar archive", {**good, "path": str(tmp_path / "no.tar")})
    for file in root.rglob("*.png"):
        file.write_bytes(b"broken")
    refused("16 of 16 images cannot be read, the first cat/00.png", good)


def test_signals_whose_channels_are_last_are_turned_and_said_and_new_ones_too():
    x, y = np.random.default_rng(0).normal(size=(30, 40, 2)), np.arange(30) % 3
    with pytest.warns(UserWarning, match="signals of 40 points whose channels are last"):
        task = Task.from_arrays(x, y)
    assert task.input_shape == (2, 40)
    assert np.array_equal(as_trained(x, task.input_shape), x.transpose(0, 2, 1))
    assert Task.from_arrays(x, y, inputs="signal").input_shape == (40, 2)
