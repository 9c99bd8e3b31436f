"""A body under judgement: its text, its tree, and where both lie in kernel.py."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...diagnostics.diagnostic import Diagnostic
from ...diagnostics.text import SourceText, Span
from ...ir.spec import Spec
from ...scaffold.body import Body
from ...scaffold.naming import dtype_parameter, presence_flag, safe_name
from ...scaffold.regions import find_regions

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\r\n|\n))*")
_IMPORTS_MATH = re.compile(r"^import math$", re.M)


@dataclass(frozen=True)
class Place:
    """Where a body's code lies in the text of kernel.py; RegionError (TS306) where the marks do not say so."""

    code: str
    kernel: SourceText

    def span(self, line: int, column: int, end_line: int, end_column: int) -> Span:
        """The characters between two places of the code (lines from 1, columns from 0); never empty within the text."""
        start = self.offset(line, column)
        return self.kernel.span(start, max(self.offset(end_line, end_column), start + 1))

    def offset(self, line: int, column: int) -> int:
        """The offset in kernel.py of a line (from 1) and column (from 0, in characters) of the code."""
        number = min(self._first_line + line - 1, len(self.kernel.line_starts))
        written, code = self.kernel.line(number), self.line(line)
        depth = _depth(written) - _depth(code) if code.strip() else 0
        return min(self.kernel.line_starts[number - 1] + depth + column, len(self.kernel.text))

    def line(self, number: int) -> str:
        return self._lines[number - 1] if 1 <= number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return _LINE_BREAK.split(self.code)

    @cached_property
    def _first_line(self) -> int:
        """The line of kernel.py with the first line of the code: blank lines above it are no part of the body."""
        start = find_regions(self.kernel.text, self.kernel.path)["body"].start
        blank = _BLANK_LINES.match(self.kernel.text, start)
        return self.kernel.position(blank.end() if blank else start).line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


@dataclass(frozen=True)
class Source:
    """A body as text and tree; built by `read_source`, after the text has parsed."""

    spec: Spec
    body: Body
    place: Place
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node that has a place, in the order of the text, outer ones first."""
        return tuple(sorted((node for node in ast.walk(self.tree) if hasattr(node, "lineno")), key=position))

    @cached_property
    def names(self) -> tuple[ast.Name, ...]:
        return tuple(node for node in self.nodes if isinstance(node, ast.Name))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    @cached_property
    def contract(self) -> frozenset[str]:
        """The names that the factory and the signature put into scope."""
        named = (*self.spec.dims, *self.spec.params, *self.spec.inputs, *self.spec.outputs)
        dtypes = {dtype_parameter(self.spec, variable.name) for variable in self.spec.dtypes}
        flags = {presence_flag(tensor) for tensor in self.spec.inputs if tensor.default is not None}
        return frozenset({safe_name(each.name) for each in named} | dtypes | flags)

    @cached_property
    def tunables(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.body.tunables)

    @cached_property
    def has_math(self) -> bool:
        """Whether kernel.py imports `math`, above the body."""
        kernel = self.place.kernel
        above = find_regions(kernel.text, kernel.path)["body"].mark_start
        return _IMPORTS_MATH.search(kernel.text, 0, above) is not None

    def span(self, node: ast.AST) -> Span:
        """The characters of a node of the body in kernel.py."""
        start = self._characters(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end = self._characters(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return self.place.span(*start, *end)

    def _characters(self, line: int, column: int) -> tuple[int, int]:
        """`ast` counts columns in bytes of UTF-8."""
        return line, len(self.place.line(line).encode()[:column].decode(errors="ignore"))

    def finding(self, code: str, node: ast.AST, message: str, help_text: str | None = None) -> Diagnostic:
        return Diagnostic(code=code, message=message, span=self.span(node), help=help_text)


def read_source(spec: Spec, body: Body, kernel: SourceText) -> Source:
    """The body parsed; raises what `ast.parse` raises: SyntaxError, ValueError, RecursionError, MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `1 is 1` and the like are not the reader's to print
        tree = ast.parse(body.code)
    return Source(spec, body, Place(body.code, kernel), tree)


def position(node: ast.AST) -> tuple[int, int, int, int]:
    """Sorts nodes by where they begin, the longer first; columns in bytes."""
    return node.lineno, node.col_offset, -node.end_lineno, -node.end_col_offset  # type: ignore[attr-defined]
