"""Parse the strings of a spec, in place: positions are those of the file."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText, Span
from . import tree
from .build import NumberTooLarge, TreeBuilder
from .errors import report_syntax_error
from .lines import split_statements
from .machine import Build, Unexpected, run
from .tables import Tables, load_tables

Entry = Literal["dtype_set", "tensor_type", "param_type", "clause", "statement"]
ENTRIES: tuple[Entry, ...] = ("dtype_set", "tensor_type", "param_type", "clause", "statement")
MAX_DEPTH = 100
"""Levels of a tree: deep enough for any formula, shallow enough that every pass may recurse."""

_TARGET = re.compile(r"[^\W\d]\w*")


@lru_cache(maxsize=1)
def _language() -> tuple[Tables, tuple[Build, ...]]:
    """The tables, and the builder of each rule."""
    tables, builder = load_tables(ENTRIES), TreeBuilder()
    return tables, tuple(getattr(builder, rule.node, _unbuilt) for rule in tables.rules)


def _unbuilt(span: Span, parts: list) -> None:
    raise AssertionError(f"no builder for a rule of the grammar, at {span}")


def parse_string(entry: Entry, source: SourceText, span: Span, sink: Sink) -> Any | None:
    """The tree of the string at `span`, read as grammar rule `entry`; TS101 and None where it does not parse."""
    tables, builders = _language()
    try:
        built = run(tables, builders, entry, source.text, span)
    except Unexpected as error:
        report_syntax_error(error, entry, source, sink)
        return None
    except NumberTooLarge as error:
        help_text = "write a number with a point or an exponent, such as `1e30`"
        sink.error("TS101", "this integer does not fit in 64 bits", error.span, help=help_text)
        return None
    # a level takes a character at least
    if span.end - span.start > MAX_DEPTH and tree.depth(built) > MAX_DEPTH:
        help_text = "name parts of it in statements above"
        sink.error("TS101", "this expression is nested too deeply", span, help=help_text)
        return None
    return built


def parse_math(source: SourceText, span: Span, sink: Sink) -> tuple[tuple[tree.Statement, ...], frozenset[str]]:
    """The statements of a `math` block that parse, and the names that the others, each reported, would define."""
    statements, broken = [], set()
    for part in split_statements(source, span):
        statement = parse_string("statement", source, part, sink)
        if statement is not None:
            statements.append(statement)
        elif target := _TARGET.match(source.text, part.start, part.end):
            broken.add(target.group())
    return tuple(statements), frozenset(broken)
