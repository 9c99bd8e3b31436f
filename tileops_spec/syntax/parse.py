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

MOST_NODES = 1000
"""Names, numbers and operations of one string."""
MOST_STATEMENTS = 256
"""Of a `math` block."""

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
    if span.end - span.start > MAX_DEPTH and (excess := _excess(built)):
        sink.error("TS101", f"this expression {excess}", span, help="name parts of it in statements above")
        return None
    return built


def _excess(built: Any) -> str:
    """What a tree has too much of; "" where it is fit for every pass."""
    levels, nodes = tree.size(built)
    if levels > MAX_DEPTH:
        return "is nested too deeply"
    return f"has more than {MOST_NODES:,} parts" if nodes > MOST_NODES else ""


def parse_math(source: SourceText, span: Span, sink: Sink) -> tuple[tuple[tree.Statement, ...], frozenset[str]]:
    """The statements of a `math` block that parse, and the names that the others, each reported, would define."""
    statements, broken = [], set()
    for number, part in enumerate(split_statements(source, span)):
        if number == MOST_STATEMENTS:
            message = f"there are more than {MOST_STATEMENTS} statements"
            sink.error("TS101", message, part, help="split the op into several")
        statement = parse_string("statement", source, part, sink) if number < MOST_STATEMENTS else None
        if statement is not None:
            statements.append(statement)
        elif target := _TARGET.match(source.text, part.start, part.end):
            broken.add(target.group())
    return tuple(statements), frozenset(broken)
