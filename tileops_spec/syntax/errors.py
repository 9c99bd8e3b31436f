"""Syntax errors, said in the words of the language."""

from __future__ import annotations

import re

from ..diagnostics.diagnostic import Sink
from ..diagnostics.fix import Fix
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
    written = _written(source.text, start)
    fix = _fix(written[0], written[1], source) if written else None
    help_text = _HINTS[written[0]] if written else _FORMS[entry]
    sink.error("TS101", message, span, help=help_text, fix=fix)


def _expected(error: Unexpected) -> str:
    """`: expected …`, where few enough things could follow for that to help."""
    words = sorted(_WORDS[kind] for kind in error.accepted or () if kind in _WORDS)
    return f": expected {' or '.join(words)}" if 0 < len(words) <= 4 else ""


def _written(text: str, start: int) -> tuple[str, int] | None:
    """What stands there of other languages, and where it begins: the first half of `**` is an operator of this one."""
    for written in _HINTS:
        if text.startswith(written, start):
            return written, start
        if len(set(written)) < len(written) and start and text.startswith(written, start - 1):
            return written, start - 1
    return None


def _fix(written: str, start: int, source: SourceText) -> Fix | None:
    """The operator as this language writes it; None where the words around it make no sense of it."""
    end = start + len(written)
    near = source.text[max(0, start - _NEAR) : start]
    before, after = near[-1:], source.text[end : end + 1]
    if written in _BINARY:
        word = _BINARY[written]
        if not _ENDS_OPERAND.search(near) or not _BEGINS_OPERAND.match(source.text, end):
            return None
        pads = (" " if word.isalpha() and not side.isspace() else "" for side in (before, after))
        text = word.join(pads)
    elif written == "!" and _NEGATED.match(source.text, start):
        text = "not " if not (before.isalnum() or before == "_") else " not "
    else:
        return None
    return Fix(title=f"write `{text.strip()}`", edits=((source.span(start, end), text),), safe=True)


_NEAR = 40
_BINARY = {"**": "^", "&&": "and", "||": "or"}
_ENDS_OPERAND = re.compile(r"[\w\])][ \t]*\Z")
_BEGINS_OPERAND = re.compile(r"[ \t]*[\w(!~+-]")
_NEGATED = re.compile(r"!(?:\w+|\([^()]*\))[ \t]*(?:$|[\r\n,)\]#}'\"]|and\b|or\b|&&|\|\|)")
"""`!` before a name or a group alone: `!a == b` would be read differently."""
