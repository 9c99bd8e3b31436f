"""The three forms of a finding, letter for letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import dedent

import pytest

from tileops_spec.diagnostics.concise import render_concise
from tileops_spec.diagnostics.diagnostic import Diagnostic, Label, Severity, Sink
from tileops_spec.diagnostics.fix import Fix, Suggestion, apply_edits, choose_fixes
from tileops_spec.diagnostics.full import render_full
from tileops_spec.diagnostics.json import diagnostic_to_json
from tileops_spec.diagnostics.render import FORMATS, render_findings
from tileops_spec.diagnostics.text import SourceText, Span

SPEC = "op: gemm\nmath: |\n\ty[m] = x[n]\n# 漢字 of é\nk: '漢字' + z\nlast"
CRLF = "op: gemm\r\nmath: y\r\n"
SOURCES = {
    "specs/gemm.yaml": SourceText("specs/gemm.yaml", SPEC),
    "crlf.yaml": SourceText("crlf.yaml", CRLF),
    "long.yaml": SourceText("long.yaml", "\n" * 99 + "a: b"),
    "empty.yaml": SourceText("empty.yaml", ""),
    "odd.yaml": SourceText("odd.yaml", "a\x1b[2J e\u0301\u200bx 👍 y"),
}


def _span(path: str, text: str) -> Span:
    start = SOURCES[path].text.index(text)
    return Span(path, start, start + len(text))


def _finding(span: Span | None, **rest) -> Diagnostic:
    return Diagnostic(code="TS102", message="`n` is not defined here", span=span, **rest)


FULL = {
    "plain": (
        _finding(_span("specs/gemm.yaml", "gemm"), help="did you mean `m`?"),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:1:5
           |
         1 | op: gemm
           |     ^^^^
          = help: did you mean `m`?
        """,
    ),
    "after a tab": (
        _finding(_span("specs/gemm.yaml", "x[n]")),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:3:9
           |
         3 |  y[m] = x[n]
           |         ^^^^
        """,
    ),
    "after wide characters": (
        _finding(_span("specs/gemm.yaml", "z")),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:5:11
           |
         5 | k: '漢字' + z
           |             ^
        """,
    ),
    "over wide characters": (
        _finding(_span("specs/gemm.yaml", "漢字' +")),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:5:5
           |
         5 | k: '漢字' + z
           |     ^^^^^^^
        """,
    ),
    "over several lines": (
        _finding(_span("specs/gemm.yaml", "math: |\n\ty[m] = x")),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:2:1
           |
         2 | math: |
           | ^^^^^^^
        """,
    ),
    "before a CRLF": (
        _finding(_span("crlf.yaml", "gemm\r\nmath")),
        """
        error[TS102]: `n` is not defined here
          --> crlf.yaml:1:5
           |
         1 | op: gemm
           |     ^^^^
        """,
    ),
    "at a line's end": (
        _finding(Span("crlf.yaml", 8, 8)),
        """
        error[TS102]: `n` is not defined here
          --> crlf.yaml:1:9
           |
         1 | op: gemm
           |         ^
        """,
    ),
    "at the end of the file": (
        _finding(Span("specs/gemm.yaml", len(SPEC), len(SPEC))),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:6:5
           |
         6 | last
           |     ^
        """,
    ),
    "after the last line break": (
        _finding(Span("crlf.yaml", len(CRLF), len(CRLF))),
        """
        error[TS102]: `n` is not defined here
          --> crlf.yaml:3:1
           |
         3 |
           | ^
        """,
    ),
    "in an empty file": (
        _finding(Span("empty.yaml", 0, 0)),
        """
        error[TS102]: `n` is not defined here
          --> empty.yaml:1:1
           |
         1 |
           | ^
        """,
    ),
    "with labels, each with its own gutter": (
        _finding(
            _span("long.yaml", "a"),
            labels=(
                Label(span=_span("specs/gemm.yaml", "op"), text="first here"),
                Label(span=Span("gone.yaml", 0, 1), text="lost"),
            ),
        ),
        """
        error[TS102]: `n` is not defined here
            --> long.yaml:100:1
             |
         100 | a: b
             | ^
          --> specs/gemm.yaml:1:1
           |
         1 | op: gemm
           | ^^ first here
          --> gone.yaml: lost
        """,
    ),
    "with a fix": (
        _finding(
            _span("specs/gemm.yaml", "gemm"),
            fix=Fix(title="write `m`", edits=((_span("specs/gemm.yaml", "gemm"), "m"),), safe=True),
        ),
        """
        error[TS102]: `n` is not defined here
          --> specs/gemm.yaml:1:5
           |
         1 | op: gemm
           |     ^^^^
          = fix available: write `m`
        """,
    ),
    "a warning without a place": (
        _finding(None, severity=Severity.WARNING, help="install it"),
        """
        warning[TS102]: `n` is not defined here
          = help: install it
        """,
    ),
    "a file whose text is not at hand": (
        _finding(Span("gone.yaml", 3, 4)),
        """
        error[TS102]: `n` is not defined here
          --> gone.yaml
        """,
    ),
    "detail as it stands": (
        _finding(None, detail="-a\n+b\n\n"),
        """
        error[TS102]: `n` is not defined here
        -a
        +b
        """,
    ),
}


@pytest.mark.parametrize(("finding", "text"), FULL.values(), ids=FULL)
def test_full(finding: Diagnostic, text: str) -> None:
    assert render_full(finding, SOURCES) == dedent(text).strip("\n")


def test_full_shows_control_characters_as_spaces_and_counts_what_combines() -> None:
    shown = render_full(_finding(_span("odd.yaml", "y")), SOURCES)
    assert "\x1b" not in shown
    excerpt, carets = shown.splitlines()[-2:]
    assert excerpt == " 1 | a [2J e\u0301\u200bx 👍 y"
    assert carets == "   | " + " " * 12 + "^"


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (_finding(_span("specs/gemm.yaml", "x[n]")), "specs/gemm.yaml:3:9: error[TS102] `n` is not defined here"),
        (_finding(Span("gone.yaml", 3, 4)), "gone.yaml: error[TS102] `n` is not defined here"),
        (_finding(None, severity=Severity.WARNING), "warning[TS102] `n` is not defined here"),
        (Diagnostic(code="TS421", message="nvcc:\n  no\tsuch\r\nthing"), "error[TS421] nvcc: no such thing"),
    ],
)
def test_concise(finding: Diagnostic, line: str) -> None:
    assert render_concise(finding, SOURCES) == line


def test_json() -> None:
    label = Label(span=Span("gone.yaml", 0, 1), text="first")
    finding = _finding(_span("specs/gemm.yaml", "math: |\n\ty"), help="h", detail="d", labels=(label,))
    assert diagnostic_to_json(finding, SOURCES) == {
        "code": "TS102",
        "name": "unknown-name",
        "severity": "error",
        "message": "`n` is not defined here",
        "help": "h",
        "detail": "d",
        "location": {
            "path": "specs/gemm.yaml",
            "start": {"line": 2, "column": 1},
            "end": {"line": 3, "column": 3},
        },
        "labels": [{"text": "first", "location": {"path": "gone.yaml"}}],
        "fix": None,
    }
    assert diagnostic_to_json(_finding(None), SOURCES)["location"] is None


@pytest.fixture
def sink() -> Sink:
    sink = Sink(sources=dict(SOURCES))
    sink.warning("TS901", "nvcc is missing")
    sink.error("TS102", "later", Span("specs/gemm.yaml", 9, 10))
    sink.error("TS101", "earlier", Span("specs/gemm.yaml", 3, 4))
    sink.warning("TS116", "another file", Span("crlf.yaml", 9, 10))
    return sink


def test_findings_come_by_file_and_place(sink: Sink) -> None:
    lines = render_findings(sink, "concise").splitlines()
    assert [line.split("] ")[1] for line in lines] == ["another file", "earlier", "later", "nvcc is missing"]
    assert [each["code"] for each in json.loads(render_findings(sink, "json"))] == ["TS116", "TS101", "TS102", "TS901"]
    assert render_findings(sink, "full").count("\n\n") == 3


@pytest.mark.parametrize(("form", "text"), [("full", ""), ("concise", ""), ("json", "[]"), ("github", "")])
def test_no_findings(form: str, text: str) -> None:
    assert render_findings(Sink(), form) == text


def test_every_form_has_a_name() -> None:
    assert FORMATS == ("full", "concise", "json", "github", "sarif")
    assert json.loads(render_findings(Sink(), "sarif"))["runs"][0]["results"] == []


def test_sarif_points_at_rules_and_regions(sink: Sink) -> None:
    log = json.loads(render_findings(sink, "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["TS101", "TS102", "TS116", "TS901"]
    assert [rules[each["ruleIndex"]] for each in run["results"]] == [each["ruleId"] for each in run["results"]]
    assert {each["level"] for each in run["results"]} <= {"error", "warning"}
    by_code = {each["ruleId"]: each for each in run["results"]}
    assert "locations" not in by_code["TS901"]
    place = by_code["TS101"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("gemm.yaml")
    region = place["region"]
    assert 1 <= region["startLine"] <= region["endLine"]
    assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])


def test_sarif_counts_columns_in_utf_16() -> None:
    sink = Sink()
    source = sink.add_source(SourceText("a.yaml", "op: x\nmath: '𝑥 + ü'\n"))
    start = source.text.index("+")
    sink.error("TS101", "m", Span("a.yaml", start, start + 1))
    region = json.loads(render_findings(sink, "sarif"))["runs"][0]["results"][0]["locations"][0]
    assert region["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 11, "endLine": 2, "endColumn": 12}


def test_github_annotations_escape_what_ends_them() -> None:
    sink = Sink()
    sink.add_source(SourceText("a,b.yaml", "op: x\n"))
    sink.warning("TS116", "100 % of it\nis wrong", Span("a,b.yaml", 4, 5), help="do: this")
    assert render_findings(sink, "github") == (
        "::warning file=a%2Cb.yaml,line=1,endLine=1,col=5,title=TS116 bad-workload::100 %25 of it%0Ais wrong%0Ado: this"
    )


def test_a_sink_tells_errors_from_warnings_and_keeps_each_finding_once(sink: Sink) -> None:
    assert sink.failed
    assert [found.code for found in sink.errors] == ["TS102", "TS101"]
    sink.error("TS101", "earlier", Span("specs/gemm.yaml", 3, 4))
    assert len(sink.diagnostics) == 4
    only_warnings = Sink()
    only_warnings.warning("TS116", "w")
    assert not only_warnings.failed


@pytest.mark.parametrize("report", [Sink.error, Sink.warning])
def test_codes_are_registered(report: Callable) -> None:
    with pytest.raises(KeyError, match="TS999"):
        report(Sink(), "TS999", "no such code")


def test_json_of_a_fix() -> None:
    place = _span("specs/gemm.yaml", "x[n]")
    shown = diagnostic_to_json(_finding(place, fix=Fix(title="t", edits=((place, "x[m]"),))), SOURCES)["fix"]
    assert (shown["title"], shown["safe"]) == ("t", False)
    assert shown["edits"][0]["text"] == "x[m]"
    assert shown["edits"][0]["location"]["start"] == {"line": 3, "column": 9}


@pytest.mark.parametrize(
    ("written", "edits"),
    [("gemm", 1), ("op", 0), (None, 0)],  # at the word, at another word, with no place
)
def test_a_suggestion_becomes_a_fix_where_its_word_stands(written: str | None, edits: int, sink: Sink) -> None:
    span = _span("specs/gemm.yaml", written) if written else None
    help_text = Suggestion("did you mean `gem`?", wrong="gemm", near="gem")
    sink.error("TS106", "suggested", span, help=help_text)
    fix = sink.diagnostics[-1].fix
    assert (len(fix.edits) if fix else 0) == edits
    if fix:
        assert not fix.safe
        assert apply_edits(SPEC, fix.edits).startswith("op: gem\n")


def _fix(*edits: tuple[int, int, str]) -> Fix:
    return Fix(title="t", edits=tuple((Span("x", start, end), text) for start, end, text in edits))


def test_edits_are_made_at_once_and_in_any_order() -> None:
    fix = _fix((5, 5, "!"), (0, 2, "X"), (2, 3, ""))
    assert apply_edits("abcde", fix.edits) == "Xde!"
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abcde", _fix((0, 3, ""), (2, 4, "")).edits)


def test_of_two_fixes_that_touch_the_first_is_chosen() -> None:
    first, second, third, nothing = _fix((0, 2, "")), _fix((2, 3, ""), (9, 9, "")), _fix((4, 5, "")), _fix()
    assert choose_fixes([first, second, third, nothing]) == [first, third]
