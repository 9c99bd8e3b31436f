"""All findings of a run, in the form asked for."""

from __future__ import annotations

import json

from .concise import render_concise
from .diagnostic import Sink
from .full import render_full
from .json import diagnostic_to_json

FORMATS = ("full", "concise", "json")


def render_findings(sink: Sink, form: str) -> str:
    """The findings by file and place; "" where there are none (an empty list in JSON). No trailing newline."""
    found = list(sink.sorted())
    if form == "json":
        return json.dumps([diagnostic_to_json(each, sink.sources) for each in found], indent=2)
    if form == "concise":
        return "\n".join(render_concise(each, sink.sources) for each in found)
    return "\n\n".join(render_full(each, sink.sources) for each in found)
