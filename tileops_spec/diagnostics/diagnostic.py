"""One finding, and the sink that collects them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from .codes import CODES
from .fix import Fix, Suggestion
from .text import SourceText, Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A second place that explains the finding."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding.

    `message` says what is wrong, in one sentence with the values that matter; `help` says how to put it right.
    `detail` is text to be shown as it stands, such as a diff. `span` is None only where no file is concerned (a missing
    tool, a usage error). `fix` holds the edits that put it right, where they are known.
    """

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    labels: tuple[Label, ...] = ()
    detail: str | None = None
    severity: Severity = Severity.ERROR
    fix: Fix | None = None

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"diagnostic code {self.code} is not registered in diagnostics/codes.py")

    @property
    def name(self) -> str:
        return CODES[self.code].name


class TooManyErrors(Exception):
    """A sink has taken the last error that it takes, which says so."""


@dataclass
class Sink:
    """Collects findings, and the texts that they point into.

    `most`: how many errors are enough; the next one raises TooManyErrors in its place, once TS007 stands there.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, SourceText] = field(default_factory=dict)
    most: int | None = None
    _seen: set[Diagnostic] = field(default_factory=set, repr=False, compare=False)
    _errors: int = field(default=0, repr=False, compare=False)

    def add_source(self, source: SourceText) -> SourceText:
        self.sources[source.path] = source
        return source

    def error(self, code: str, message: str, span: Span | None = None, **rest: object) -> None:
        """Report an error; `rest` are `help`, `labels`, `detail` and `fix` of Diagnostic."""
        self._add(Diagnostic(code=code, message=message, span=span, **rest))  # type: ignore[arg-type]

    def warning(self, code: str, message: str, span: Span | None = None, **rest: object) -> None:
        self._add(Diagnostic(code=code, message=message, span=span, severity=Severity.WARNING, **rest))  # type: ignore[arg-type]

    def _add(self, diagnostic: Diagnostic) -> None:
        """Keep a finding once: `0 < Q < 8` stands for two comparisons, which both look at `Q`."""
        diagnostic = self._with_fix(diagnostic)
        if diagnostic in self._seen:
            return
        if self._errors == self.most and diagnostic.severity is Severity.ERROR:
            message = f"there are more than {self.most} errors: what follows this one is not looked at"
            help_text = "put those above right first"
            self.diagnostics.append(Diagnostic(code="TS007", message=message, span=diagnostic.span, help=help_text))
            raise TooManyErrors
        self._seen.add(diagnostic)
        self._errors += diagnostic.severity is Severity.ERROR
        self.diagnostics.append(diagnostic)

    def _with_fix(self, diagnostic: Diagnostic) -> Diagnostic:
        """A finding whose help suggests another word comes with the fix that writes it."""
        span, help_text = diagnostic.span, diagnostic.help
        if diagnostic.fix or span is None or not isinstance(help_text, Suggestion) or span.path not in self.sources:
            return diagnostic
        written = self.sources[span.path].text[span.start : span.end]
        return replace(diagnostic, fix=help_text.fix(span)) if written == help_text.wrong else diagnostic

    def extend(self, diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> None:
        self.diagnostics.extend(diagnostics)

    @property
    def errors(self) -> list[Diagnostic]:
        return [found for found in self.diagnostics if found.severity is Severity.ERROR]

    @property
    def failed(self) -> bool:
        return bool(self.errors)

    def sorted(self) -> Iterator[Diagnostic]:
        """The findings by file and place, those without a place last."""
        return iter(sorted(self.diagnostics, key=_place))


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int]:
    span = diagnostic.span
    return (span is None, span.path if span else "", span.start if span else 0)
