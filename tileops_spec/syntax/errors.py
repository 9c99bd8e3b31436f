"""Syntax errors, said in the words of the language."""

from __future__ import annotations

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from .machine import Unexpected

_FORMS = {
    "dtype_set": "a set of dtypes is written `f16 | bf16`",
    "tensor_type": "a tensor type is written `T[M, K]`, with `*S` for leading axes",
    "param_type": "a param is written `f32 = 1e-6`, the default being optional",
    "clause": "a clause is a comparison of dims and params, such as `K % 8 == 0`",
    "statement": "a statement is written `C[m, n] = sum[k](A[m, k] * B[k, n])`",
}
_HINTS = {
    "**": "power is written `^`",
    "@": "a matrix product is a sum: `sum[k](A[m, k] * B[k, n])`",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`, or `!=`",
    "?": "a choice is written `where(condition, a, b)`",
    "if": "a choice is written `where(condition, a, b)`",
    ":": "ranges are not sliced: an index variable runs over a whole axis",
    "{": "indices stand in square brackets",
}
_WORDS = {
    "RPAR": "`)`",
    "LPAR": "`(`",
    "RSQB": "`]`",
    "LSQB": "`[`",
    "COMMA": "`,`",
    "NAME": "a name",
    "NUMBER": "a number",
    "ASSIGN": "`=`",
    "$END": "the end",
}


def report_syntax_error(error: Unexpected, entry: str, source: SourceText, sink: Sink) -> None:
    """TS101 at the place where the string stops making sense."""
    start, end = error.start, error.end
    found = source.text[start:end]
    span = source.span(start, min(max(end, start + 1), len(source.text)))
    expected = _expected(error)
    if not found.strip():
        message = f"the text ends too early{expected}"
    else:
        message = f"`{found.strip()}` cannot stand here{expected}"
    sink.error("TS101", message, span, help=_help(source.text, start, entry))


def _expected(error: Unexpected) -> str:
    """`: expected …`, where few enough things could follow for that to help."""
    words = sorted(_WORDS[kind] for kind in error.accepted or () if kind in _WORDS)
    return f": expected {' or '.join(words)}" if 0 < len(words) <= 4 else ""


def _help(text: str, start: int, entry: str) -> str:
    for written, hint in _HINTS.items():
        doubled = len(set(written)) < len(written)  # the first half of `**` is an operator
        if text.startswith(written, start) or (doubled and start and text.startswith(written, start - 1)):
            return hint
    return _FORMS[entry]
