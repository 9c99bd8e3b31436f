"""tospec.lock: stable bytes, round trips, and findings instead of tracebacks."""

from __future__ import annotations

import datetime

import pytest

from tileops_spec.scaffold.lock import Entry, GateRecord, Lock, LockError, parse_lock, read_lock, render_lock

GATES = (
    GateRecord(gate="static", verdict="passed", seconds=0.0123456, date=datetime.date(2026, 1, 2)),
    GateRecord(
        gate="emulate",
        verdict="passed",
        seconds=3.5,
        date=datetime.date(2026, 1, 2),
        device="cpu",
        tools={"tilelang": "0.1.15", "g++": "12.2"},
    ),
)
ENTRY = Entry(
    contract="c" * 64,
    body="b" * 64,
    templates="t" * 64,
    provider="handoff",
    attempts=2,
    files={"op.py": "o" * 64, "kernel.py": "k" * 64},
    gates=GATES,
)


def test_round_trip():
    text = render_lock(Lock(ops={"gemm": ENTRY, "add": ENTRY}))
    assert render_lock(parse_lock(text)) == text
    assert parse_lock(text).ops["gemm"].gates[1].tools == {"g++": "12.2", "tilelang": "0.1.15"}


def test_bytes_do_not_depend_on_order():
    shuffled = ENTRY.model_copy(update={"files": dict(reversed(ENTRY.files.items()))})
    assert render_lock(Lock(ops={"b": ENTRY, "a": ENTRY})) == render_lock(Lock(ops={"a": shuffled, "b": ENTRY}))


def test_readable():
    text = render_lock(Lock(ops={"gemm": ENTRY}))
    assert text.startswith("# Written by tospec")
    assert "[ops.gemm]" in text
    assert "date = 2026-01-02" in text
    assert "seconds = 0.012" in text
    assert "None" not in text


def test_missing_file_is_an_empty_lock(tmp_path):
    assert read_lock(tmp_path) == Lock()


def test_entries_are_replaced_and_removed():
    lock = Lock(ops={"a": ENTRY, "b": ENTRY}).with_entries({"a": None, "c": ENTRY})
    assert set(lock.ops) == {"b", "c"}


GOOD = render_lock(Lock(ops={"gemm": ENTRY}))


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (GOOD.replace("version = 1", "version = = 1"), "is not TOML", "version = = 1"),
        (GOOD.replace("version = 1", "version = 2"), "version", "version = 2"),
        (GOOD.replace("attempts = 2", 'attempts = "many"'), "ops.gemm.attempts", 'attempts = "many"'),
        (GOOD.replace("attempts = 2", "atempts = 2"), "ops.gemm.atempts", "atempts = 2"),
        (GOOD.replace(f'body = "{"b" * 64}"\n', ""), "ops.gemm.body: Field required", "[ops.gemm]"),
        (GOOD.replace('verdict = "passed"', 'verdict = "great"', 1), "verdict", 'verdict = "great"'),
        (GOOD[:-3], "is not TOML", None),
    ],
)
def test_damage_is_a_finding(tmp_path, text, message, line):
    (tmp_path / "tospec.lock").write_text(text)
    with pytest.raises(LockError) as raised:
        read_lock(tmp_path)
    (found, *_) = raised.value.diagnostics
    assert found.code == "TS304"
    assert message in found.message
    if line is not None:
        source = raised.value.source
        assert source.line(source.position(found.span.start).line) == line


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "tospec.lock").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LockError, match="cannot be read"):
        read_lock(tmp_path)
