"""Reading source files."""

from __future__ import annotations

from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText

MOST_BYTES = 100_000
"""Of a file: specs have a few thousand, and what looks at one may take time that grows with the square."""


def read_source(path: Path, sink: Sink) -> SourceText | None:
    """The text of a UTF-8 file, line breaks as they stand; TS001 and None where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        sink.error("TS001", f"cannot read {path}: {reason}", help=_nearby(path))
        return None
    return decode_source(str(path), data, sink)


def decode_source(name: str, data: bytes, sink: Sink) -> SourceText | None:
    """The text in the bytes of a file; TS001 and None where they are not UTF-8, or more than `MOST_BYTES`."""
    if len(data) > MOST_BYTES:
        sink.error("TS001", f"{name} is larger than {MOST_BYTES:,} bytes", help="a spec has a few thousand")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
        sink.error("TS001", message, help="save the file as UTF-8")
        return None
    return sink.add_source(SourceText(name, text))


def _nearby(path: Path) -> str:
    """What to try for a file that is not there: the specs that are."""
    folder = path.parent if path.parent.is_dir() else Path("specs")
    specs = sorted(found.name for found in folder.glob("*.yaml")) if folder.is_dir() else []
    if not specs:
        return "give the path of a spec file, e.g. `tospec build specs/gemm.yaml`"
    return f"{folder}/ holds {', '.join(specs[:8])}"
