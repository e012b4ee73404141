"""The records of the benchmarks' runs survive a call that was stopped while it wrote."""

from __future__ import annotations

from benchmarks.quality.run_records import append_record, read_records


def test_after_a_line_that_was_cut_off_the_next_record_is_whole(tmp_path):
    path = tmp_path / "records.jsonl"
    append_record(path, {"run": 1})
    append_record(path, {"run": 2})
    path.write_text(path.read_text()[:-5])
    append_record(path, {"run": 3})
    append_record(path, {"run": 4})
    assert [one["run"] for one in read_records(path)] == [1, 3, 4]


def test_a_record_that_lacks_its_line_break_alone_is_kept(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"run": 1}')
    append_record(path, {"run": 2})
    assert path.read_text() == '{"run": 1}\n{"run": 2}\n'
