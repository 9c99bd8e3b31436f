"""The static gate: what a body says, read without running it.

Syntax, statements, names and attributes by allowlist, tunables, every input read and every output written, and the
anti-patterns that can be seen in the text. All findings come in one run, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..ir.spec import Spec
from ..scaffold.body import Body
from ..scaffold.regions import RegionError, extract_body
from .rules import CHECKS, RULES
from .rules.source import Place, read_source
from .rules.tunables import check_tunables
from .verdict import Stopwatch, Verdict

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python's parser raises: the last two on expressions nested too deeply."""


def check_static(spec: Spec, body: Body, kernel: SourceText) -> Verdict:
    """The verdict on the body in `kernel`, the text of the rendered kernel.py, with the tunables of `body`.

    Findings point into `kernel`. A kernel.py whose marks are broken fails with TS306.
    """
    watch = Stopwatch()
    try:
        body = Body(extract_body(kernel.text, path=kernel.path).code, body.tunables)
        findings = tuple(sorted(_findings(spec, body, kernel), key=_place))
    except RegionError as error:
        findings = error.diagnostics
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
    yield from check_tunables(spec, body, kernel)
    try:
        source = read_source(spec, body, kernel)
    except _UNREADABLE as error:
        yield _unreadable(error, Place(body.code, kernel))
        return
    for rule in (*CHECKS, *RULES):
        yield from rule(source)


def _place(finding: Diagnostic) -> int:
    return finding.span.start if finding.span else 0


def _unreadable(error: Exception, place: Place) -> Diagnostic:
    """TS401 at the character where Python stopped."""
    line, column = _stop(error, place.code)
    return Diagnostic(
        code="TS401",
        message=f"the body is not valid Python: {_reason(error)}",
        span=place.span(line, column, line, column + 1),
        help="the statements of a body begin at column 0 and are plain Python",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "an expression is nested too deeply"
    return getattr(error, "msg", None) or str(error)


def _stop(error: Exception, code: str) -> tuple[int, int]:
    """The line (from 1) and column (from 0, in characters); the offsets of SyntaxError count from 1."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno, max((error.offset or 1) - 1, 0)
    before = code[: code.index("\0")] if "\0" in code else ""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
