"""Faults of files that users own: raised deep down, reported by whoever called."""

from __future__ import annotations

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText


class ScaffoldError(Exception):
    """`diagnostics` says what is wrong; `source` is the text that their spans point into, where it was read here."""

    def __init__(self, *diagnostics: Diagnostic, source: SourceText | None = None) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics
        self.source = source
