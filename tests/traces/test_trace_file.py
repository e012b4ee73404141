"""trace.jsonl: what is written is read back, whatever moment a kill chose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_gym.errors import NASGymError
from nas_gym.traces.file import TraceWriter, read_trace
from nas_gym.traces.lines import Ask, End, Header, Step

HEADER = Header("q-learning", 40, ["keep", "add relu-64"], "q_values")
STEP = Step(
    episode=0,
    t=0,
    architecture="relu-64",
    steps_left=None,
    mask=[0, 1],
    action=1,
    edit="add relu-64",
    scores=[0.1, 0.30000000000000004],
    reward=0.7,
    terminated=False,
    truncated=False,
    next="relu-64 > relu-64",
    score=0.7,
    illegal_action=False,
    error="",
    unique=1,
)
ASK = Ask(0, "sigmoid-64", 3, [0, 1], 0.5, "ok", "", 900, 1800, 2)
END = End("budget", "relu-64", 0.7, 2, 2)


def write(path, *lines):
    writer = TraceWriter(path)
    writer.begin(lines[0])
    for line in lines[1:]:
        writer.write(line)
    writer.close()


def test_lines_are_read_back_as_they_were_written(tmp_path):
    write(tmp_path / "trace.jsonl", HEADER, STEP, ASK, END)
    recording = read_trace(tmp_path / "trace.jsonl")
    assert (recording.header, recording.lines, recording.end) == (HEADER, [STEP, ASK], END)
    assert (recording.steps, recording.asks, recording.cut) == ([STEP], [ASK], False)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
def test_scores_lose_no_bit(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("bits") / "trace.jsonl"
    step = Step(**{name: getattr(STEP, name) for name in STEP.__slots__} | {"scores": scores})
    write(path, HEADER, step)
    assert [score.hex() for score in read_trace(path).steps[0].scores] == [score.hex() for score in scores]


def test_a_file_cut_anywhere_after_its_header_keeps_every_complete_line(tmp_path):
    path = tmp_path / "trace.jsonl"
    write(path, HEADER, STEP, ASK, END)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole) + 1):
        path.write_bytes(whole[:length])
        recording = read_trace(path)
        complete = whole[:length].count(b"\n") - 1
        assert len(recording.lines) == min(complete, 2)
        assert recording.cut == (not whole[:length].endswith(b"\n"))
        assert (recording.end is not None) == (length == len(whole))


def test_every_line_is_on_disk_before_the_next_is_made(tmp_path):
    path = tmp_path / "trace.jsonl"
    writer = TraceWriter(path)
    writer.begin(HEADER)
    writer.write(STEP)
    assert read_trace(path).lines == [STEP]
    writer.close()


def test_a_line_damaged_before_the_last_is_named(tmp_path):
    path = tmp_path / "trace.jsonl"
    write(path, HEADER, STEP, ASK)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], lines[2]]) + "\n")
    with pytest.raises(NASGymError, match=r"line 2 of .*trace.jsonl is damaged"):
        read_trace(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is no trace: its first line must be a complete header"),
        ('{"kind":"header","ver', "is no trace: its first line must be a complete header"),
        (
            json.dumps({"kind": "header", "version": 99}) + "\n",
            "is a trace of version 99, and this nas-gym reads versions 1 to 2: update nas-gym",
        ),
        ("hello\n", "line 1 of"),
        ("[1]\n", "line 1 of"),
        ('{"kind":"header","version":2}\n', "line 1 of"),
        ('{"kind":"header"}\n', "is no trace of a run, since it names no version"),
        ('{"kind":"other","version":1}\n', "is no trace: its first line must be a complete header"),
    ],
)
def test_what_is_no_trace_gives_one_sentence(tmp_path, content, sentence):
    (tmp_path / "trace.jsonl").write_text(content)
    with pytest.raises(NASGymError, match=sentence):
        read_trace(tmp_path / "trace.jsonl")


def test_a_missing_trace_gives_one_sentence(tmp_path):
    with pytest.raises(NASGymError, match="is missing: pass the folder of a run"):
        read_trace(tmp_path / "trace.jsonl")


def test_two_runs_cannot_write_one_trace(tmp_path):
    path = tmp_path / "trace.jsonl"
    first = TraceWriter(path)
    first.begin(HEADER)
    with pytest.raises(NASGymError, match="is being written by a running search"):
        TraceWriter(path)
    first.write(STEP)
    first.close()
    assert read_trace(path).lines == [STEP]
    TraceWriter(path).close()
