"""What `verify` found as JUnit XML, which CI systems show test by test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from ..diagnostics.concise import render_concise
from ..diagnostics.diagnostic import Sink
from ..gates.verdict import Verdict
from .prove import Proof

_UNPRINTABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(proofs: Mapping[str, Proof | None], sink: Sink) -> str:
    """A suite for each op and a case for each gate that was run; times in seconds.

    A gate that rejects is a failure with its findings; `skipped` is skipped; a body that could not be judged is an
    error of its suite.
    """
    root = ElementTree.Element("testsuites", name="tospec verify")
    for op, proof in proofs.items():
        verdicts = proof.verdicts if proof is not None else ()
        suite = ElementTree.SubElement(root, "testsuite", name=op, tests=str(max(1, len(verdicts))))
        suite.set("time", f"{sum(each.seconds for each in verdicts):.3f}")
        counts = dict.fromkeys(("failures", "errors", "skipped"), 0)
        for verdict in verdicts:
            counts[_outcome(verdict)] = counts.get(_outcome(verdict), 0) + 1
            _case(suite, op, verdict, sink)
        if proof is None:
            counts["errors"] += 1
            case = ElementTree.SubElement(suite, "testcase", classname=op, name="body", time="0")
            ElementTree.SubElement(case, "error", message="there is no body to judge").text = _text(sink.errors, sink)
        for name in ("failures", "errors", "skipped"):
            suite.set(name, str(counts[name]))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _outcome(verdict: Verdict) -> str:
    return {"passed": "passed", "skipped": "skipped"}.get(verdict.status, "failures")


def _case(suite: ElementTree.Element, op: str, verdict: Verdict, sink: Sink) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=op, name=verdict.gate, time=f"{verdict.seconds:.3f}")
    if verdict.status == "skipped":
        ElementTree.SubElement(case, "skipped", message=_printable(verdict.summary))
    elif verdict.status != "passed":
        failure = ElementTree.SubElement(case, "failure", message=_printable(verdict.summary), type=verdict.status)
        failure.text = _text(verdict.diagnostics, sink)


def _text(diagnostics, sink: Sink) -> str:
    return _printable("\n".join(render_concise(each, sink.sources) for each in diagnostics))


def _printable(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _UNPRINTABLE.sub("?", text)
