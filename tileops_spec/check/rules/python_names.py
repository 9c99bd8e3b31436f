"""TS129, TS141: references that are no Python expressions over the names that they see; inputs that none mentions."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import SourceText, Span
from ...ir.nodes import ParamRef
from ...ir.spec import Reference, Spec
from ...ir.walk import walk
from ..reference_names import BUILTINS, MODULES, visible_names
from ..suggest import did_you_mean
from .conversions import check_conversions
from .facts import expressions, name_span, source_of
from .usage import Usage


def check_references(spec: Spec, sink: Sink) -> None:
    """TS129 for each reference; a warning for each input, and each param of the mathematics, that none mentions."""
    source = source_of(spec, sink)
    mentioned: set[str] = set()
    whole = True
    for reference in spec.references:
        tree = _parsed(reference, source, sink)
        if tree is None:
            whole = False
            continue
        names = list(_free_names(tree))
        mentioned |= {name.id for name in names}
        check_conversions(tree, names, spec, _Places(reference, source).of, sink)
        _check_names(names, reference, spec, source, sink)
    if spec.references and whole:
        _check_mentioned(mentioned, spec, source, sink)


def _parsed(reference: Reference, source: SourceText | None, sink: Sink) -> ast.Expression | None:
    """The expression as Python reads it when it is called: in parentheses, so that it may have several lines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of what is odd on standard error
            return ast.parse(f"({reference.expression}\n)", mode="eval")
    except SyntaxError as error:
        span = _Places(reference, source).at(error.lineno or 1, (error.offset or 1) - 1, 1)
        message = f"the reference `{reference.library}` is not a Python expression: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nesting without end
        span, message = reference.span, f"the reference `{reference.library}` cannot be read: {error}"
    help_text = "write one expression, such as `torch.nn.functional.linear(A, B)`"
    sink.error("TS129", message, span, help=help_text)
    return None


def _free_names(tree: ast.Expression) -> Iterator[ast.Name]:
    """The names that the expression reads and does not bind itself; a use above a `:=` fails when it is called."""
    assigned = (node.target.id for node in ast.walk(tree) if isinstance(node, ast.NamedExpr))
    return _unbound(tree, frozenset(assigned))


def _unbound(node: ast.AST, bound: frozenset[str]) -> Iterator[ast.Name]:
    """The names in a node that are read and not `bound`, nor variables of the lambda or comprehension around them."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
        yield node
    outside: tuple[ast.AST, ...] = ()
    inner = bound
    if isinstance(node, ast.Lambda):
        outside = (node.args,)
        inner = bound | {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        outside = (node.generators[0].iter,)
        targets = (part for each in node.generators for part in ast.walk(each.target))
        inner = bound | {part.id for part in targets if isinstance(part, ast.Name)}
    for child in _children(node):
        yield from _unbound(child, bound if child in outside else inner)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node; a comprehension's `for … in … if …` are taken apart."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension):
            yield from ast.iter_child_nodes(child)
        else:
            yield child


def _check_names(
    names: list[ast.Name], reference: Reference, spec: Spec, source: SourceText | None, sink: Sink
) -> None:
    known = {*visible_names(spec), reference.library}
    places = _Places(reference, source)
    reported: set[str] = set()
    for name in names:
        if name.id in known or name.id in BUILTINS or name.id in reported:
            continue
        reported.add(name.id)
        line = name.lineno
        span = places.at(line, name.col_offset, len(name.id), in_bytes=True)
        otherwise = f"an expression sees {', '.join((*MODULES, *sorted(known - set(MODULES))))}"
        help_text = did_you_mean(name.id, known | set(BUILTINS), otherwise)
        sink.error("TS129", f"the reference `{reference.library}` sees no `{name.id}`", span, help=help_text)


def _check_mentioned(mentioned: set[str], spec: Spec, source: SourceText | None, sink: Sink) -> None:
    if mentioned.issuperset(each.name for each in (*spec.inputs, *spec.params)):
        return
    read = Usage(spec).tensors  # what the mathematics does not read either is reported as unused
    for tensor in spec.inputs:
        if tensor.name not in mentioned and tensor.name in read:
            span = name_span(tensor.name, tensor.span, source)
            message = f"no reference mentions the input `{tensor.name}`: what is done with it is compared with nothing"
            sink.warning("TS129", message, span, help=_HELP)
    exprs = (expr for definition in spec.math for expr in expressions(definition))
    computed = {node.name for expr in exprs for node in walk(expr) if isinstance(node, ParamRef)}
    for param in spec.params:
        if param.name in computed and param.name not in mentioned:
            alone = "only its default is compared" if param.default is not None else "no value of it is compared"
            message = f"no reference mentions the param `{param.name}`: {alone}"
            sink.warning("TS129", message, param.span, help=_HELP)


_HELP = "use it in a reference, or add a reference that has it"


@dataclass(frozen=True)
class _Places:
    """Where in the file a place of a reference's expression lies.

    YAML takes indentation away and joins lines, but adds and drops nothing but white space: so characters that are no
    white space are counted.
    """

    reference: Reference
    source: SourceText | None

    def of(self, node: ast.expr) -> Span:
        """The span of a node that stands on one line."""
        length = (node.end_col_offset or 0) - node.col_offset if node.end_lineno == node.lineno else 1
        return self.at(node.lineno, node.col_offset, length, in_bytes=True)

    def at(self, line: int, column: int, length: int, *, in_bytes: bool = False) -> Span:
        """The span of `length` characters at a line, from 1, and a column, from 0, of the text in parentheses."""
        lines = f"({self.reference.expression}".split("\n")
        if self.source is None or not 1 <= line <= len(lines):
            return self.reference.span
        text = lines[line - 1]
        column = len(text.encode()[:column].decode(errors="ignore")) if in_bytes else column
        before = "".join(lines[: line - 1]) + text[:column]
        start = self._offset(len("".join(before[1:].split())))
        return self.reference.span if start is None else self.source.span(start, start + length)

    def _offset(self, count: int) -> int | None:
        """The offset of the character with `count` others that are no white space before it."""
        assert self.source is not None
        span = self.reference.span
        written = self.source.text[span.start : span.end]
        if written.split() != self.reference.expression.split():
            return None
        for offset, char in enumerate(written, span.start):
            if not char.isspace():
                if count == 0:
                    return offset
                count -= 1
        return None
