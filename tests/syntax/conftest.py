"""Parsing one string of the language in the middle of a larger text, so that positions are seen to be absolute."""

from __future__ import annotations

import pytest

from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.syntax.parse import parse_string

BEFORE, AFTER = "where:\n  - ", "  ) + ]\n"
"""What stands around the string: text that would not parse, and must not be looked at."""


class Strings:
    """Parses strings, and keeps the text and the findings of the last one."""

    start = len(BEFORE)

    def parse(self, text: str, entry: str = "clause"):
        self.source, self.sink = SourceText("x.yaml", BEFORE + text + AFTER), Sink()
        span = self.source.span(len(BEFORE), len(BEFORE) + len(text))
        return parse_string(entry, self.source, span, self.sink)

    def slice(self, node) -> str:
        """The text that a node's span covers."""
        return self.source.text[node.span.start : node.span.end]


@pytest.fixture(scope="session")
def strings() -> Strings:
    return Strings()
