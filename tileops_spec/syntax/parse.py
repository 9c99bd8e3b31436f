"""Parse the strings of a spec, in place: positions are those of the file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from lark import Lark, TextSlice, UnexpectedInput
from lark.exceptions import VisitError

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText, Span
from ..resources import resource
from . import tree
from .build import TreeBuilder
from .errors import report_syntax_error
from .lines import split_statements

Entry = Literal["dtype_set", "tensor_type", "param_type", "clause", "statement"]
ENTRIES: tuple[Entry, ...] = ("dtype_set", "tensor_type", "param_type", "clause", "statement")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resource("grammar", "spec.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start=list(ENTRIES), propagate_positions=True, maybe_placeholders=True)


def parse_string(entry: Entry, source: SourceText, span: Span, sink: Sink) -> Any | None:
    """The tree of the string at `span`, read as grammar rule `entry`; TS101 and None where it does not parse."""
    try:
        parsed = _parser().parse(TextSlice(source.text, span.start, span.end), start=entry)
        return TreeBuilder(source.path).transform(parsed)
    except UnexpectedInput as error:
        report_syntax_error(error, entry, source, span, sink)
    except (RecursionError, VisitError):
        sink.error("TS101", "this expression is nested too deeply", span, help="name parts of it in statements above")
    return None


def parse_math(source: SourceText, span: Span, sink: Sink) -> tuple[tree.Statement, ...]:
    """Every statement of a `math` block that parses; each of the others is reported on its own."""
    parsed = (parse_string("statement", source, part, sink) for part in split_statements(source, span))
    return tuple(statement for statement in parsed if statement is not None)
