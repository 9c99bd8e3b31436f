"""Formatting of files, and of text that is in none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..source.files import decode_source, read_source
from ..source.write import replace_file
from ..syntax.format import format_spec

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_NO_BREAK = "\n\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as it stands, byte order mark and line ends included, and in its one form; `name` is a path, or `-`."""

    name: str
    before: bytes
    text: str

    @property
    def after(self) -> bytes:
        return self.text.encode("utf-8")

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """What formatting changes, as a unified diff; "" where that is nothing."""
        before, after = (_LINE.findall(data.decode("utf-8")) for data in (self.before, self.after))
        lines = unified_diff(before, after, self.name, f"{self.name} (formatted)")
        return "".join(line if line.endswith("\n") else line + _NO_BREAK for line in lines)

    def write(self) -> None:
        """Put the formatted text in the file's place, at once. Raises OSError."""
        replace_file(Path(self.name), self.after)


def format_file(path: Path, sink: Sink) -> Formatted | None:
    """A spec file formatted, nothing being written; None where it has findings, which go to the sink.

    Raises what `format_spec` raises.
    """
    source = read_source(path, sink)
    return _format(source, path.read_bytes(), sink) if source else None


def format_data(name: str, data: bytes, sink: Sink) -> Formatted | None:
    """The same for a file's content."""
    source = decode_source(name, data, sink)
    return _format(source, data, sink) if source else None


def _format(source: SourceText, data: bytes, sink: Sink) -> Formatted | None:
    text = format_spec(source, sink)
    return None if text is None else Formatted(source.path, data, text)
