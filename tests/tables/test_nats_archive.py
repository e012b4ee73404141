"""The official archive through a stand-in for nats_bench with the calls of its version 1.8."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tables import import_table, load_table
from tests.helpers.data.published_tables import nasbench201_rows

ARCHIVE = "NATS-tss-v1_0-3ffb9-full.pickle.pbz2"
SEEDS = {2: (777, 999), 3: (777, 888, 999)}


class StandIn:
    """The part of NATStopology that is used, over rows."""

    def __init__(self, rows) -> None:
        self.rows = rows
        self.meta_archs = [row["architecture"] for row in rows]
        self.arch2infos_dict = dict.fromkeys(range(len(rows)))

    def query_by_index(self, number, part, hp):
        assert (part, hp) == ("cifar10-valid", "200")
        return dict.fromkeys(SEEDS[len(self._seeds(number))])

    def get_more_info(self, number, part, hp, is_random):
        row = self.rows[number]
        if part == "cifar10":
            return {"test-accuracy": float(row["test_acc_200"])}
        if hp == "12":
            return {"valid-accuracy": float(row["val_acc_12"]), "test-accuracy": 1.0}
        by_seed = self._seeds(number)
        wanted = np.mean(by_seed) if is_random is False else by_seed[SEEDS[len(by_seed)].index(is_random)]
        return {"valid-accuracy": wanted, "train-all-time": float(row["train_seconds_200"])}

    def get_cost_info(self, number, part, hp):
        row = self.rows[number]
        return {"params": int(row["params"]) / 1e6, "flops": float(row["flops_millions"])}

    def _seeds(self, number):
        return [float(part) for part in self.rows[number]["val_acc_200_by_seed"].split(";")]


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Lets the stand-in answer for some rows, and gives the path of an archive."""

    def make(rows, folder=False):
        def create(path, space, fast_mode, verbose):
            assert (space, fast_mode, verbose) == ("tss", folder, False)
            return StandIn(rows)

        monkeypatch.setitem(sys.modules, "nats_bench", SimpleNamespace(create=create))
        path = tmp_path / ("NATS-tss-v1_0-3ffb9-simple" if folder else ARCHIVE)
        path.mkdir() if folder else path.touch()
        return path

    return make


@pytest.mark.parametrize("folder", [False, True])
def test_the_archive_gives_the_table_of_its_results_by_seed(shelf, archive, folder) -> None:
    rows = nasbench201_rows()
    import_table("nasbench201", archive(rows, folder), trust_pickle=True)
    table = load_table("nasbench201", "cifar10")
    assert table.seeds == {12: (), 200: (777, 888, 999)}
    for row in rows[::997]:
        index = table.search_space.index(table.search_space.parse(row["architecture"]))
        by_seed = [float(part) / 100 for part in row["val_acc_200_by_seed"].split(";")]
        recorded = dict(zip(table.seeds[200], table.scores(200)[index], strict=True))
        assert [recorded[seed] for seed in SEEDS[len(by_seed)]] == pytest.approx(by_seed)
        assert np.isnan(recorded[888]) == (len(by_seed) == 2)
        assert table.mean_score(12)[index] == pytest.approx(float(row["val_acc_12"]) / 100)
        assert table.mean_test_score()[index] == pytest.approx(float(row["test_acc_200"]) / 100)
        assert table.seconds[index] == float(row["train_seconds_200"])
        assert table.parameters[index] == int(row["params"])


def test_pickles_are_not_read_unless_they_are_trusted(shelf, archive) -> None:
    with pytest.raises(NASGymError, match=r"can run any code when they are read: pass --trust-pickle"):
        import_table("nasbench201", archive(nasbench201_rows()))
    assert not shelf.exists()


def test_without_the_package_the_sentence_says_what_to_install_and_to_download(
    shelf, tmp_path, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "nats_bench", None)
    (tmp_path / ARCHIVE).touch()
    with pytest.raises(
        NASGymError, match=r"pip install 'nas-gym\[nats\]', and download NATS-tss-v1_0"
    ) as caught:
        import_table("nasbench201", tmp_path / ARCHIVE, trust_pickle=True)
    assert "\n" not in str(caught.value)
    assert "github.com/D-X-Y/NATS-Bench" in str(caught.value)


def test_an_archive_without_some_architectures_is_refused(shelf, archive) -> None:
    path = archive(nasbench201_rows()[:-2])
    with pytest.raises(NASGymError, match=r"lacks 2 of the 15,625 architectures"):
        import_table("nasbench201", path, trust_pickle=True)
    assert not shelf.exists()


def test_what_the_package_cannot_read_is_refused_in_one_sentence(shelf, archive, monkeypatch) -> None:
    def broken(*arguments, **options):
        raise EOFError("Compressed file ended before the end-of-stream marker was reached")

    path = archive(nasbench201_rows())
    monkeypatch.setattr(sys.modules["nats_bench"], "create", broken)
    with pytest.raises(
        NASGymError, match=r"is no archive of NATS-Bench's .*, or is cut off \(EOFError"
    ) as caught:
        import_table("nasbench201", path, trust_pickle=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        (ARCHIVE, "birds", "has results for cifar10, cifar100"),
        ("gone.pbz2", "cifar10", "there is no file .*gone"),
    ],
)
def test_what_is_not_in_the_archive_is_refused(shelf, tmp_path, name, task, message) -> None:
    (tmp_path / ARCHIVE).touch()
    with pytest.raises(NASGymError, match=message):
        import_table("nasbench201", tmp_path / name, task, trust_pickle=True)
