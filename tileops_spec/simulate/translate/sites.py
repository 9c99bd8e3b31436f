"""Places of a kernel that a finding can point at, and their lines in the Python file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """One access or synchronization: what is done, to which buffer, where."""

    action: str
    buffer: str
    shape: str
    line: int | None


class Lines:
    """Lines of statements. Statements that a library macro made get the line of what was last seen in the kernel."""

    def __init__(self, func) -> None:
        self.current: int | None = None
        self.file: str | None = _first_file(func)

    def enter(self, stmt) -> int | None:
        """Make `stmt` the current statement; gives the line in force before."""
        before = self.current
        span = _span(stmt)
        if span is not None and span.source_name.name == self.file:
            self.current = span.line
        return before


def _span(stmt):
    from tilelang.ir import get_stmt_span

    return get_stmt_span(stmt)


def _first_file(func) -> str | None:
    from tilelang.ir import get_prim_func_span

    span = get_prim_func_span(func)
    return None if span is None else span.source_name.name
