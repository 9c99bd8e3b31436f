"""TS402: the statements and expressions that a body is made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from ..allowlist import CONTEXTS
from .reading import operation
from .source import Source

_ALLOWED = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Assert, ast.Pass)
_ALLOWED_BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.Break, ast.Continue)
_WORDS = {
    "Import": "import",
    "ImportFrom": "import",
    "ClassDef": "define classes",
    "FunctionDef": "define functions",
    "AsyncFunctionDef": "define functions",
    "Lambda": "use lambda",
    "Return": "return",
    "Yield": "yield",
    "YieldFrom": "yield",
    "Await": "await",
    "Try": "catch exceptions",
    "TryStar": "catch exceptions",
    "Raise": "raise",
    "Global": "use global",
    "Nonlocal": "use nonlocal",
    "Delete": "delete",
    "NamedExpr": "assign inside an expression",
    "JoinedStr": "format strings",
    "TemplateStr": "format strings",
    "AsyncFor": "be asynchronous",
    "AsyncWith": "be asynchronous",
    "Match": "use match",
    "TypeAlias": "define types",
}
_HELP = "a body is the statements of one kernel: everything around them is generated"
_DEFINITION_HELP = "write its statements out where they are needed: TileLang does not trace definitions inside a kernel"


def check_statements(source: Source) -> Iterator[Diagnostic]:
    """Statements by allowlist; of expressions, those that define, assign or format are out."""
    for node in source.nodes:
        if isinstance(node, ast.With):
            yield from _check_contexts(source, node)
        elif _is_refused(node):
            kind = type(node).__name__
            help_text = _DEFINITION_HELP if isinstance(node, ast.FunctionDef) else _HELP
            yield source.finding("TS402", node, f"a body may not {_WORDS.get(kind, f'use {kind}')}", help_text)


def _is_refused(node: ast.AST) -> bool:
    if isinstance(node, ast.stmt):
        return not isinstance(node, _ALLOWED + _ALLOWED_BLOCKS)
    return isinstance(node, ast.expr) and type(node).__name__ in _WORDS


def _check_contexts(source: Source, node: ast.With) -> Iterator[Diagnostic]:
    for item in node.items:
        if operation(item.context_expr) not in CONTEXTS:
            known = " and ".join(f"`with T.{name}(…)`" for name in sorted(CONTEXTS))
            yield source.finding("TS402", item.context_expr, "a body may not enter this context", f"there are {known}")
