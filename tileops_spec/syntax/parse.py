"""Parse the strings of a spec, in place: positions are those of the file."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from lark import Lark, TextSlice, UnexpectedInput
from lark.exceptions import VisitError

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText, Span
from ..resources import resource
from . import tree
from .build import NumberTooLarge, TreeBuilder
from .errors import report_syntax_error
from .lines import split_statements

Entry = Literal["dtype_set", "tensor_type", "param_type", "clause", "statement"]
ENTRIES: tuple[Entry, ...] = ("dtype_set", "tensor_type", "param_type", "clause", "statement")
MAX_DEPTH = 100
"""Levels of a tree: deep enough for any formula, shallow enough that every pass may recurse."""

_TARGET = re.compile(r"[^\W\d]\w*")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resource("grammar", "spec.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start=list(ENTRIES), propagate_positions=True, maybe_placeholders=True)


def parse_string(entry: Entry, source: SourceText, span: Span, sink: Sink) -> Any | None:
    """The tree of the string at `span`, read as grammar rule `entry`; TS101 and None where it does not parse."""
    try:
        parsed = _parser().parse(TextSlice(source.text, span.start, span.end), start=entry)
        built = TreeBuilder(source.path).transform(parsed)
        if tree.depth(built) <= MAX_DEPTH:
            return built
        _report_depth(span, sink)
    except UnexpectedInput as error:
        report_syntax_error(error, entry, source, span, sink)
    except RecursionError:
        _report_depth(span, sink)
    except VisitError as error:
        _report_visit(error.orig_exc, span, sink)
    return None


def _report_depth(span: Span, sink: Sink) -> None:
    sink.error("TS101", "this expression is nested too deeply", span, help="name parts of it in statements above")


def _report_visit(error: Exception, span: Span, sink: Sink) -> None:
    """What stopped the tree builder: text of the user's, or else a bug."""
    if isinstance(error, NumberTooLarge):
        help_text = "write a number with a point or an exponent, such as `1e30`"
        sink.error("TS101", "this integer does not fit in 64 bits", error.span, help=help_text)
    elif isinstance(error, RecursionError):
        _report_depth(span, sink)
    else:
        raise error


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
