"""Anti-patterns: what is known to go wrong in a body, with its evidence."""

from __future__ import annotations

from pathlib import Path

from ..resources import resource
from .documents import KnowledgeError, Record, read_document


class AntiPattern(Record):
    """`code` is stable and unique; `text` says what goes wrong and what to write, `evidence` where it was seen."""

    code: str
    title: str
    text: str
    evidence: str | tuple[str, ...] = ()


def load_antipatterns(path: Path | None = None) -> tuple[AntiPattern, ...]:
    """The anti-patterns of `path` (default: the ones that ship), in the file's order."""
    path = path or resource("patterns", "antipatterns.yaml")
    found = read_document(path, tuple[AntiPattern, ...])
    codes = [each.code for each in found]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise KnowledgeError(f"{path}: {', '.join(twice)}: the code stands twice")
    return found
