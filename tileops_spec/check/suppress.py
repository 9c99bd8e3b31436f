"""Comments that suppress findings: `# tospec: ignore[TS122] the reason`.

At the end of a line the comment speaks of the findings whose place begins on that line; alone on its line, of those on
the next line that is no comment. Errors that keep a spec from loading cannot be suppressed: without a spec there is
nothing to go on with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..diagnostics.codes import CODES
from ..diagnostics.diagnostic import Diagnostic, Sink
from ..diagnostics.fix import Fix
from ..diagnostics.text import SourceText, Span
from .suggest import did_you_mean

FORM = "write `# tospec: ignore[TS122] reason`, with the codes in brackets and why they do not apply"
UNSUPPRESSIBLE = ("TS127", "TS128")
_QUOTED = re.compile(r"""(?:^|(?<=[\s:,(\[{]))(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""")
_COMMENT = re.compile(r"#\s*tospec\s*:.*")
_PARTS = re.compile(r"#\s*tospec\s*:\s*ignore\s*\[(?P<codes>[^\]]*)\](?P<reason>.*)", re.S)
_CODE = re.compile(r"[^\s,]+")


@dataclass
class Suppression:
    """One comment: the line that it governs, and its codes with their places."""

    line: int
    span: Span
    codes: dict[str, Span] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def takes(self, diagnostic: Diagnostic, line: int) -> bool:
        """Whether the comment speaks of a finding on `line`; it counts as used then."""
        if line != self.line or diagnostic.code not in self.codes:
            return False
        self.used.add(diagnostic.code)
        return True


def read_suppressions(source: SourceText, sink: Sink) -> list[Suppression]:
    """The suppression comments of a file; TS127 for what is not of the form, names no code, or gives no reason."""
    if "tospec" not in source.text:
        return []
    return [found for span in _comments(source) if (found := _read(source, span, sink)) is not None]


def suppress(sink: Sink, suppressions: list[Suppression]) -> list[Diagnostic]:
    """Take the findings that a comment speaks of out of the sink, and return them."""
    taken = [each for each in sink.diagnostics if _is_suppressed(each, sink, suppressions)]
    sink.diagnostics = [each for each in sink.diagnostics if not any(each is other for other in taken)]
    return taken


def report_unused(source: SourceText, suppressions: list[Suppression], sink: Sink) -> None:
    """TS128 for every code of a comment that has suppressed nothing."""
    for suppression in suppressions:
        idle = [code for code in suppression.codes if code not in suppression.used]
        if idle and not suppression.used:
            message = f"nothing here is found by {', '.join(idle)}"
            fix = Fix(title="remove the comment", edits=((_whole(source, suppression.span), ""),), safe=True)
            sink.warning("TS128", message, suppression.span, help="remove the comment", fix=fix)
            continue
        for code in idle:
            span = suppression.codes[code]
            fix = Fix(title=f"remove `{code}`", edits=((_listed(source, span), ""),), safe=True)
            sink.warning("TS128", f"nothing here is found by {code}", span, help=f"remove `{code}`", fix=fix)


def _comments(source: SourceText) -> Iterator[Span]:
    for number, start in enumerate(source.line_starts, 1):
        line = source.line(number)
        if "tospec" in line and (found := _COMMENT.search(_QUOTED.sub(_blank, line))):
            yield source.span(start + found.start(), start + len(line.rstrip()))


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _read(source: SourceText, span: Span, sink: Sink) -> Suppression | None:
    parts = _PARTS.match(source.text, span.start, span.end)
    if parts is None:
        sink.error("TS127", "this comment is addressed to tospec, but is no suppression", span, help=FORM)
        return None
    if not re.search(r"\w", parts["reason"]):
        sink.error("TS127", "this suppression has no reason", span, help=FORM)
        return None
    codes = {}
    for found in _CODE.finditer(source.text, *parts.span("codes")):
        place = source.span(*found.span())
        if _is_code(found.group(), place, sink):
            codes[found.group()] = place
    if not parts["codes"].strip():
        sink.error("TS127", "this suppression names no code", span, help=FORM)
    return Suppression(_governed(source, span), span, codes) if codes else None


def _is_code(code: str, span: Span, sink: Sink) -> bool:
    if code in UNSUPPRESSIBLE:
        sink.error("TS127", f"{code} cannot be suppressed", span, help="put the comment that it speaks of right")
        return False
    if code not in CODES:
        help_text = did_you_mean(code, CODES, "`tospec explain` prints the page of a code")
        sink.error("TS127", f"there is no code `{code}`", span, help=help_text)
        return False
    return True


def _governed(source: SourceText, span: Span) -> int:
    """The line that a comment speaks of: its own, or the next that is no comment where it stands alone."""
    number = source.position(span.start).line
    if not _is_comment(source.line(number)):
        return number
    following = range(number + 1, len(source.line_starts) + 1)
    return next((each for each in following if source.line(each).strip() and not _is_comment(source.line(each))), 0)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_suppressed(diagnostic: Diagnostic, sink: Sink, suppressions: list[Suppression]) -> bool:
    span = diagnostic.span
    if span is None or span.path not in sink.sources:
        return False
    line = sink.sources[span.path].position(span.start).line
    return any(suppression.takes(diagnostic, line) for suppression in suppressions)


def _whole(source: SourceText, span: Span) -> Span:
    """A comment with the white space before it; with its line break, where it stands alone."""
    number = source.position(span.start).line
    start = source.line_starts[number - 1]
    before = source.text[start : span.start]
    if before.strip():
        return source.span(start + len(before.rstrip()), span.end)
    end = source.line_starts[number] if number < len(source.line_starts) else len(source.text)
    return source.span(start, end)


def _listed(source: SourceText, span: Span) -> Span:
    """A code in a list, with the comma that goes with it."""
    start, end = span.start, span.end
    if after := re.compile(r"\s*,\s*").match(source.text, end):
        return source.span(start, after.end())
    before = re.search(r"[,\s]*\Z", source.text[:start])
    return source.span(before.start() if before else start, end)
