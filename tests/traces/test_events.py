"""The file of events: TensorBoard reads it, in order, while it is written, and a failure is told."""

from __future__ import annotations

import time
from contextlib import closing

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from nas_gym.errors import NASGymError
from nas_gym.traces.tensorboard.events import EventFile, record


def steps_in(path):
    events = [Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()]
    assert events[0].file_version == "brain.Event:2"
    return [event.step for event in events[1:]]


def scalar(step):
    return Event(wall_time=time.time(), step=step)


def test_records_are_read_back_with_their_checksums(tmp_path):
    rng = np.random.default_rng(0)
    contents = [rng.bytes(length) for length in [*range(1, 300), 100_001]]
    (tmp_path / "events").write_bytes(b"".join(map(record, contents)))
    assert list(RawEventFileLoader(str(tmp_path / "events")).Load()) == contents


def test_events_stay_in_order_also_those_that_are_made_later(tmp_path):
    with closing(EventFile(tmp_path / "deep" / "run")) as events:
        for step in range(1, 2001):
            if step % 100 == 0:
                events.add_made(lambda step=step: scalar(step))
                events.flush_soon()
            else:
                events.add(scalar(step))
    assert steps_in(events.path) == list(range(1, 2001))
    events.close()  # a second time does nothing


def test_a_running_search_can_be_watched(tmp_path):
    with closing(EventFile(tmp_path)) as events:
        events.scalars({"search/score": 0.5}, 7)
        events.flush_soon()
        deadline = time.monotonic() + 20
        while not steps_in(events.path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert steps_in(events.path) == [7]


def test_two_files_of_one_folder_have_two_names(tmp_path):
    with closing(EventFile(tmp_path)) as first, closing(EventFile(tmp_path)) as second:
        assert first.path != second.path


def test_what_cannot_be_written_is_raised_where_events_are_added(tmp_path):
    class Full:
        closed = False

        def write(self, content):
            raise OSError(28, "No space left on device")

        def close(self):
            self.closed = True

    events = EventFile(tmp_path)
    events._file.close()
    events._file = Full()
    events.add(scalar(1))
    events.flush_soon()
    events._thread.join(20)
    with pytest.raises(NASGymError, match="No space left"):
        events.add(scalar(2))
    events.close()  # it is told once
    assert events._file.closed
