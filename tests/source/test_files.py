"""Reading files: what cannot be read is TS001 with a way on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.source.files import read_source


def test_text_comes_back_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("a: é\r\nb: 漢\rc".encode())
    sink = Sink()
    assert read_source(path, sink).text == "a: é\r\nb: 漢\rc"
    assert list(sink.sources) == [str(path)]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfop: x")
    assert read_source(path, Sink()).text == "op: x"


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"op: \xff", "byte 4 is 0xff"), ("op: é".encode("latin-1"), "byte 4 is 0xe9"), ("op".encode("utf-16"), "byte 0")],
)
def test_other_encodings(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    sink = Sink()
    assert read_source(path, sink) is None
    (found,) = sink.errors
    assert (found.code, found.span) == ("TS001", None)
    assert message in found.message


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "gemm.yaml").touch()
    sink = Sink()
    assert read_source(tmp_path / "gem.yaml", sink) is None
    assert "No such file" in sink.errors[0].message
    assert "holds gemm.yaml" in sink.errors[0].help


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    sink = Sink()
    assert read_source(tmp_path, sink) is None
    assert "Is a directory" in sink.errors[0].message
