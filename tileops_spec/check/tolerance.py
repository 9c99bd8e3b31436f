"""`tolerance: {factor: 4, reason: …}`: an override of the derived bound, which must say why."""

from __future__ import annotations

import math

from ..ir.spec import Tolerance
from ..source.yaml_tree import Node, Scalar
from .document import Document

WIDEST = 64.0
"""The largest factor: beyond it, six bits of every number are given up, and mistakes with them."""
FORM = "write `tolerance: {factor: 4, reason: the published kernel adds up in 16 bits}`"


def read_tolerance(document: Document) -> Tolerance | None:
    """The override; None where there is none, or where TS143 or TS003 says what is wrong with it."""
    if document.node("tolerance") is None:
        return None
    entries = document.mapping("tolerance", FORM)
    document.unknown_keys(entries, ("factor", "reason"), "`tolerance`")
    factor, reason = (entries[key][1] if key in entries else None for key in ("factor", "reason"))
    number, words = _factor(document, factor), _reason(document, reason)
    if number is None or words is None:
        return None
    return Tolerance(factor=number, reason=words, span=document.key_span("tolerance"))


def _factor(document: Document, node: Node | None) -> float | None:
    value = _number(node)
    if value is not None and 1 < value <= WIDEST:
        return value
    span = document.key_span("tolerance") if node is None else node.span
    message = "the tolerance has no factor" if node is None else "the factor of a tolerance is no number in its range"
    help_text = f"a factor is more than 1 and at most {WIDEST:g}; without an override the derived bound holds"
    document.sink.error("TS143", message, span, help=help_text)
    return None


def _number(node: Node | None) -> float | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _reason(document: Document, node: Node | None) -> str | None:
    text = node.value if isinstance(node, Scalar) else None
    if isinstance(text, str) and text.strip():
        return " ".join(text.split())
    span = document.key_span("tolerance") if node is None else node.span
    help_text = f"say why kernels may stray further; every report shows it: {FORM}"
    document.sink.error("TS143", "the tolerance is widened without a reason", span, help=help_text)
    return None
