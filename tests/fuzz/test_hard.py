"""Hard cases end with findings or a clean spec, within seconds, and in memory that a small machine has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.check.load import load_source
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.source.files import MOST_BYTES

from .hard import DEEP, MANY, NUMBERS, SIZES, TEXTS, statement
from .invariants import hold

SECONDS = 6
"""Of processor time, to lint a text and format it twice; on a quiet machine the slowest takes less than 2."""


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """Read the grammar's tables, and load z3, before a case is timed."""
    hold(statement("x[m * K // 7 % M, 0]").encode())


def _hold_quickly(text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    before = time.process_time()
    hold(data)
    assert time.process_time() - before < SECONDS


@pytest.mark.parametrize("text", SIZES.values(), ids=SIZES)
def test_sizes(text: str | bytes) -> None:
    _hold_quickly(text)


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_nesting(text: str) -> None:
    _hold_quickly(text)


@pytest.mark.parametrize("text", MANY.values(), ids=MANY)
def test_many(text: str) -> None:
    _hold_quickly(text)


@pytest.mark.parametrize("texts", [list(NUMBERS.values())[at::8] for at in range(8)], ids=range(8))
def test_huge_numbers(texts: list[str]) -> None:
    for text in texts:
        _hold_quickly(text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts(text: str | bytes) -> None:
    _hold_quickly(text)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no disk
    sink = Sink()
    assert load_spec(path, sink) is None
    (found,) = sink.diagnostics
    assert (found.code, found.message) == ("TS001", f"{path} is larger than {MOST_BYTES:,} bytes")


@pytest.mark.parametrize("name", [name for name in SIZES if name.startswith("10 MB")])
def test_ten_megabytes_are_refused_at_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    text = SIZES[name]
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = time.process_time()
    sink = Sink()
    assert load_spec(path, sink) is None
    assert [found.code for found in sink.diagnostics] == ["TS001"]
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("1,000 outputs", "TS002"),
        ("1,000 statements", "TS101"),
        ("500 clauses", "TS002"),
        ("40 dtypes in use", "TS006"),
    ],
)
def test_what_is_too_much_is_said(name: str, code: str) -> None:
    sink = Sink()
    assert load_source(SourceText("probe.yaml", MANY[name]), sink, named=False) is None
    assert code in {found.code for found in sink.diagnostics}
    assert any("more than" in found.message for found in sink.diagnostics)
