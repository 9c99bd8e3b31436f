"""Places of a kernel that a finding can point at, and their lines in the Python file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """One access or synchronization: what is done, to which buffer, where."""

    action: str
    buffer: str
    shape: str
    line: int | None


MACROS = {"reduce_op.py": r"\.reduce\w*\(", "scan_op.py": r"\.cum(sum|max)\("}
"""Files of TileLang whose macros leave statements with spans of their own, and what calls them."""
REACH = 12
"""How many lines after the last known one a call of a macro is looked for."""


class Lines:
    """Lines of statements, from their spans; of a macro's statements, from the text of the kernel's file."""

    def __init__(self, func) -> None:
        self.current: int | None = None
        self.file: str | None = _first_file(func)
        self._latest = 0
        self._macro: tuple[str, int] = ("", 0)

    def enter(self, stmt) -> int | None:
        """Make `stmt` the current statement; gives the line in force before."""
        before = self.current
        span = _span(stmt)
        if span is None:
            return before
        if span.source_name.name == self.file:
            self.current = self._latest = span.line
            self._macro = ("", 0)
        else:
            self.current = self._line_of_macro(Path(span.source_name.name).name, span.line) or before
        return before

    def _line_of_macro(self, library: str, line: int) -> int | None:
        """The line of the call. Within one call the lines in the library rise; a new call starts again."""
        file, last = self._macro
        self._macro = (library, line)
        if file == library and line > last:
            return self._latest
        for number, text in enumerate(self._text()[self._latest : self._latest + REACH], self._latest + 1):
            if library in MACROS and re.search(MACROS[library], text):
                self._latest = number
                return number
        return None

    def _text(self) -> list[str]:
        try:
            return Path(self.file).read_text(encoding="utf-8").splitlines()
        except (OSError, TypeError, UnicodeDecodeError):
            return []


def _span(stmt):
    from tilelang.ir import get_stmt_span

    return get_stmt_span(stmt)


def _first_file(func) -> str | None:
    from tilelang.ir import get_prim_func_span

    span = get_prim_func_span(func)
    return None if span is None else span.source_name.name
