"""All findings of a run, in the form asked for."""

from __future__ import annotations

import json

from .concise import render_concise
from .diagnostic import Sink
from .full import render_full
from .github import render_github
from .json import diagnostic_to_json
from .sarif import render_sarif

FORMATS = ("full", "concise", "json", "github", "sarif")


def render_findings(sink: Sink, form: str) -> str:
    """The findings by file and place, with no trailing newline; where there are none "", and in JSON and SARIF an empty
    list and a log without results."""
    found = list(sink.sorted())
    if form == "json":
        return json.dumps([diagnostic_to_json(each, sink.sources) for each in found], indent=2)
    if form == "sarif":
        return render_sarif(sink)
    if form == "github":
        return "\n".join(render_github(each, sink.sources) for each in found)
    if form == "concise":
        return "\n".join(render_concise(each, sink.sources) for each in found)
    return "\n\n".join(render_full(each, sink.sources) for each in found)
