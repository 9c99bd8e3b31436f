"""Findings as SARIF 2.1.0, which code hosts show beside the lines that they are about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from .codes import CODES
from .diagnostic import Diagnostic, Severity, Sink
from .text import SourceText, Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(sink: Sink) -> str:
    """A log with one run: its rules are the codes that were found. Columns count UTF-16 units from 1, as by default."""
    found = list(sink.sorted())
    codes = sorted({each.code for each in found})
    rules = [_rule(code) for code in codes]
    results = [_result(each, codes.index(each.code), sink.sources) for each in found]
    driver = {"name": "tospec", "rules": rules}
    return json.dumps(
        {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    )


def _rule(code: str) -> dict[str, Any]:
    return {
        "id": code,
        "name": CODES[code].name,
        "shortDescription": {"text": CODES[code].summary},
        "help": {"text": f"`tospec explain {code}` says more"},
    }


def _result(diagnostic: Diagnostic, rule: int, sources: Mapping[str, SourceText]) -> dict[str, Any]:
    text = diagnostic.message if diagnostic.help is None else f"{diagnostic.message}\n{diagnostic.help}"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": "error" if diagnostic.severity is Severity.ERROR else "warning",
        "message": {"text": text},
    }
    if diagnostic.span is not None:
        result["locations"] = [_location(diagnostic.span, sources)]
    if diagnostic.labels:
        places = (_location(label.span, sources) | {"message": {"text": label.text}} for label in diagnostic.labels)
        result["relatedLocations"] = list(places)
    return result


def _location(span: Span, sources: Mapping[str, SourceText]) -> dict[str, Any]:
    artifact = {"uri": PurePath(span.path).as_posix()}
    place: dict[str, Any] = {"artifactLocation": artifact}
    source = sources.get(span.path)
    if source is not None:
        place["region"] = {
            **_position(source, span.start, "startLine", "startColumn"),
            **_position(source, span.end, "endLine", "endColumn"),
        }
    return {"physicalLocation": place}


def _position(source: SourceText, offset: int, line: str, column: str) -> dict[str, int]:
    at = source.position(offset)
    before = source.text[source.line_starts[at.line - 1] : offset]
    return {line: at.line, column: len(before.encode("utf-16-le")) // 2 + 1}
