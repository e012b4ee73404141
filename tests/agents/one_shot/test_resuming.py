"""A search on shared weights that is interrupted goes on, and ends as if it had not been."""

from __future__ import annotations

import json

import pytest
from nas_agents import make_agent
from nas_agents.one_shot import search as one_shot_search
from nas_agents.one_shot.search import SharedSearch

from nas_gym.errors import DataWarning
from nas_gym.traces import RunFolder, Trace
from nas_gym.training import read_state, write_state
from nas_gym.training.batches import BatchStream
from tests.agents.one_shot.test_agents import FORMS, environment

WATCHED = {f"{name}, watched": {"name": name} for name in ("darts", "drnas")}
REGULARISED = {"darts, regularised": {"name": "darts", "when_collapsing": "regularise"}}
OF_FORMS = ("enas", "random-sharing", "spos", "gdas", "pc-darts", "darts of order 2", "proxyless")
SPECS = {form: {"name": form} | FORMS[form] for form in OF_FORMS} | WATCHED | REGULARISED
BUDGET = 16


class Interrupted(BaseException):
    """What ends a search from outside."""


@pytest.fixture(autouse=True)
def _kept_after_each_epoch(monkeypatch):
    monkeypatch.setattr(one_shot_search, "KEPT_EVERY", 0.0)


def searched(form, folder):
    """The result of a search that is recorded in a folder."""
    trace = Trace(environment(), folder, agent=form)
    result = make_agent(SPECS[form]).search(trace, BUDGET, 3)
    trace.finish(result.as_dict())
    return result


def interrupted(form, folder, monkeypatch, epochs=2):
    """A search that ends after so many epochs."""
    keep, left = SharedSearch.keep, epochs

    def keep_and_end(self, state):
        nonlocal left
        keep(self, state)
        left -= 1
        if not left:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(SharedSearch, "keep", keep_and_end)
        trace = Trace(environment(), folder, agent=form)
        with pytest.raises(Interrupted):
            make_agent(SPECS[form]).search(trace, BUDGET, 3)
        trace._recorder.abandon()


def counted(monkeypatch):
    """The examples that batches are made of, as they are taken."""
    taken, batches = [0], BatchStream.epoch

    def epoch(self):
        for batch in batches(self):
            taken[0] += batch[0].shape[-1]
            yield batch

    monkeypatch.setattr(BatchStream, "epoch", epoch)
    return taken


def told(folder):
    file = RunFolder(folder).readings_file
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("form", SPECS)
def test_an_interrupted_search_goes_on_and_ends_as_if_it_had_not_been(form, tmp_path, monkeypatch):
    taken = counted(monkeypatch)
    whole = searched(form, tmp_path / "whole")
    of_whole, taken[0] = taken[0], 0
    interrupted(form, tmp_path / "cut", monkeypatch)
    assert RunFolder(tmp_path / "cut").state_file.exists()
    before, taken[0] = taken[0], 0
    resumed = searched(form, tmp_path / "cut")
    assert 0 < before < of_whole
    assert taken[0] == of_whole - before  # nothing is trained twice
    assert resumed.architecture == whole.architecture
    assert resumed.score == whole.score
    assert resumed.shares == whole.shares
    assert told(tmp_path / "cut") == told(tmp_path / "whole")
    assert not RunFolder(tmp_path / "cut").state_file.exists()


def test_the_time_of_an_interrupted_search_counts(tmp_path, monkeypatch):
    interrupted("gdas", tmp_path, monkeypatch)
    file = RunFolder(tmp_path).state_file
    state = read_state(file, (), "the search")
    events = json.loads(state["told"])
    next(event for event in events if "seconds" in event)["seconds"] = 1000.0
    write_state(file, state | {"told": json.dumps(events)})
    assert searched("gdas", tmp_path).seconds > 1000


def test_a_state_that_cannot_be_read_is_told_and_left_out(tmp_path, monkeypatch):
    whole = searched("gdas", tmp_path / "whole")
    interrupted("gdas", tmp_path / "cut", monkeypatch)
    RunFolder(tmp_path / "cut").state_file.write_bytes(b"nothing")
    with pytest.warns(DataWarning, match=r"the search kept in .*state\.pt cannot be read and begins anew"):
        assert searched("gdas", tmp_path / "cut").score == whole.score


def test_a_quick_search_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(one_shot_search, "KEPT_EVERY", 60.0)
    interrupted("gdas", tmp_path, monkeypatch)
    assert not RunFolder(tmp_path).state_file.exists()
