"""The static gate: what a body says, read without running it.

Syntax, statements, names and attributes by allowlist, tunables, every input read and every output written, and the
anti-patterns that can be seen in the text. All findings come in one run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from ..ir.spec import Spec
from ..scaffold.body import Body
from ..scaffold.naming import dtype_parameter, safe_name
from ..scaffold.regions import body_span, extract_body
from .allowlist import BUILTINS, NESTED, TEACHING, TILE_NAMES, VALUE_ATTRIBUTES
from .rules import RULES
from .verdict import Stopwatch, Verdict

_STATEMENTS: dict[type[ast.AST], str] = {
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.ClassDef: "define classes",
    ast.FunctionDef: "define functions",
    ast.AsyncFunctionDef: "define functions",
    ast.Lambda: "use lambda",
    ast.Return: "return",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Await: "await",
    ast.Try: "catch exceptions",
    ast.Raise: "raise",
    ast.Global: "use global",
    ast.Nonlocal: "use nonlocal",
    ast.Delete: "delete",
    ast.NamedExpr: "assign inside an expression",
    ast.JoinedStr: "format strings",
    ast.AsyncFor: "be asynchronous",
    ast.AsyncWith: "be asynchronous",
}
_MOST_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class Source:
    """A body as text and tree, with its place in kernel.py."""

    spec: Spec
    body: Body
    tree: ast.Module
    kernel: SourceText

    def place(self, node: ast.AST) -> Span:
        """The span of a node of the body in kernel.py."""
        start = place_of(self.kernel, self.body, node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end = place_of(self.kernel, self.body, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return self.kernel.span(start, max(end, start + 1))

    def finding(self, code: str, node: ast.AST, message: str, help_text: str | None = None) -> Diagnostic:
        return Diagnostic(code=code, message=message, span=self.place(node), help=help_text)


def check_static(spec: Spec, body: Body, kernel: SourceText) -> Verdict:
    """The verdict on the body in `kernel`, the text of the rendered kernel.py."""
    watch = Stopwatch()
    body = Body(extract_body(kernel.text, path=kernel.path).code, body.tunables)
    findings = tuple(_findings(spec, body, kernel))
    good = f"{body.code.count(chr(10))} lines: names, statements and tunables are in order"
    return Verdict(
        gate="static",
        status="failed" if findings else "passed",
        seconds=watch.seconds,
        summary=findings[0].message if findings else good,
        diagnostics=findings,
        sources=(kernel,),
    )


def _findings(spec: Spec, body: Body, kernel: SourceText) -> Iterator[Diagnostic]:
    yield from _check_tunables(spec, body, kernel)
    try:
        tree = ast.parse(body.code)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield _syntax(error, body, kernel)
        return
    source = Source(spec, body, tree, kernel)
    for check in (_check_statements, _check_names, _check_attributes, _check_strings, _check_tensors):
        yield from check(source)
    for rule in RULES:
        yield from rule(source)


def place_of(kernel: SourceText, body: Body, line: int, column: int) -> int:
    """The offset in kernel.py of a line (from 1) and UTF-8 column (from 0) of the body's code."""
    first = kernel.position(body_span(kernel.text, path=kernel.path).start).line
    code = body.code.split("\n")[line - 1] if line <= body.code.count("\n") + 1 else ""
    written = kernel.line(first + line - 1)
    depth = len(written) - len(written.lstrip()) - (len(code) - len(code.lstrip())) if code.strip() else 0
    characters = len(code.encode()[:column].decode(errors="ignore"))
    return kernel.line_starts[min(first + line - 2, len(kernel.line_starts) - 1)] + depth + characters


def _syntax(error: Exception, body: Body, kernel: SourceText) -> Diagnostic:
    line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
    start = place_of(kernel, body, line, column - 1)
    reason = getattr(error, "msg", None) or str(error)
    help_text = "the statements of a body begin at column 0 and are plain Python"
    return Diagnostic(
        code="TS401",
        message=f"the body is not valid Python: {reason}",
        span=kernel.span(start, start + 1),
        help=help_text,
    )


def _check_tunables(spec: Spec, body: Body, kernel: SourceText) -> Iterator[Diagnostic]:
    """TS404: names of their own, with a few numbers or truth values each."""
    span = kernel.span(max(kernel.text.find("TUNABLES"), 0), max(kernel.text.find("TUNABLES"), 0) + len("TUNABLES"))
    taken = _contract_names(spec) | BUILTINS | {"T"}
    for name, candidates in body.tunables:
        if not name.isidentifier() or name.startswith("_"):
            message, help_text = f"tunable `{name}` is not a name", "use names like `block_M`"
        elif name in taken:
            message, help_text = f"tunable `{name}` has the name of something in scope", "choose another name"
        elif not 1 <= len(candidates) <= _MOST_CANDIDATES:
            message = f"tunable `{name}` has {len(candidates)} candidates"
            help_text = f"give from 1 to {_MOST_CANDIDATES}, the default first"
        elif not all(isinstance(value, int | float | bool) for value in candidates):
            message = f"tunable `{name}` has a candidate that is no number and no truth value"
            help_text = "candidates are integers, floats or booleans"
        else:
            continue
        yield Diagnostic(code="TS404", message=message, span=span, help=help_text)


def _contract_names(spec: Spec) -> frozenset[str]:
    """What the factory and the signature put into scope."""
    named = (*spec.dims, *spec.params, *spec.inputs, *spec.outputs)
    return frozenset({safe_name(each.name) for each in named} | {dtype_parameter(spec, v.name) for v in spec.dtypes})


def _check_statements(source: Source) -> Iterator[Diagnostic]:
    for node in ast.walk(source.tree):
        what = _STATEMENTS.get(type(node))
        if what:
            help_text = "a body is the statements of one kernel: everything around them is generated"
            yield source.finding("TS402", node, f"a body may not {what}", help_text)


def _check_names(source: Source) -> Iterator[Diagnostic]:
    """TS403 for each name that is neither the contract's, the body's own, a tunable, `T`, nor a builtin."""
    own = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    known = own | _contract_names(source.spec) | {name for name, _ in source.body.tunables} | BUILTINS | {"T"}
    reported: set[str] = set()
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name) or node.id in reported:
            continue
        if node.id.startswith("__") or (isinstance(node.ctx, ast.Load) and node.id not in known):
            reported.add(node.id)
            help_text = TEACHING.get(node.id) or _known_names(node.id, known)
            yield source.finding("TS403", node, f"`{node.id}` is not in scope in a body", help_text)
        elif isinstance(node.ctx, ast.Store) and node.id in (_contract_names(source.spec) | {"T"}):
            reported.add(node.id)
            yield source.finding(
                "TS403", node, f"`{node.id}` is the contract's and cannot be assigned", "use a new name"
            )


def _known_names(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"in scope are {', '.join(sorted(known - BUILTINS))}"


def _check_attributes(source: Source) -> Iterator[Diagnostic]:
    """TS403 for attributes outside the allowlist: of `T`, and of everything else."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or _is_allowed(node):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "T":
            message = f"`T.{node.attr}` is not among the operations that a body may use"
            help_text = _near_operation(node.attr)
        else:
            message = f"the attribute `{node.attr}` is not one that a body may use"
            help_text = "attributes stand on `T` alone; a value is converted by `T.cast(x, dtype)`"
        yield source.finding("TS403", node, message, help_text)


def _is_allowed(node: ast.Attribute) -> bool:
    value = node.value
    if isinstance(value, ast.Name) and value.id == "T":
        return node.attr in TILE_NAMES
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "T":
        return node.attr in NESTED.get(value.attr, ())
    return node.attr in VALUE_ATTRIBUTES


def _near_operation(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, TILE_NAMES, n=3)
    return f"near it: {', '.join(f'`T.{each}`' for each in near)}" if near else "the prompt's reference lists them"


def _check_strings(source: Source) -> Iterator[Diagnostic]:
    """TS403 for text that could only be code for another compiler."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_word(node.value):
            message = "a body holds no text but names of dtypes, scopes and options"
            yield source.finding("TS403", node, message, "inline assembly and foreign source are refused")


def _is_word(text: str) -> bool:
    return len(text) <= 40 and all(char.isalnum() or char in "_." for char in text)


def _check_tensors(source: Source) -> Iterator[Diagnostic]:
    """TS405 for an input that is never mentioned, or an output that is: whatever it computes, it is not the spec."""
    mentioned = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
    for tensor in (*source.spec.inputs, *source.spec.outputs):
        name = safe_name(tensor.name)
        if name not in mentioned:
            role = "input" if tensor in source.spec.inputs else "output"
            message = f"the body never mentions the {role} `{name}`"
            first = source.tree.body[0] if source.tree.body else None
            span = source.place(first) if first else body_span(source.kernel.text, path=source.kernel.path)
            help_text = "the mathematics depends on every input and defines every output"
            yield Diagnostic(code="TS405", message=message, span=span, help=help_text)
