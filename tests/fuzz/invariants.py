"""What holds of every input: findings or a spec, places that lie in the file, and never an exception."""

from __future__ import annotations

from collections.abc import Callable

from tileops_spec.check.load import load_source
from tileops_spec.deliver.lint import lint_source
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import FORMATS, render_findings
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.ir.spec import Spec
from tileops_spec.source.files import decode_source
from tileops_spec.source.yaml_tree import Mapping, parse_yaml
from tileops_spec.syntax.format import format_spec
from tileops_spec.syntax.format.meaning import meaning_of


def hold(data: bytes, name: str = "probe.yaml") -> Spec | None:
    """Lint and format the bytes as the file `name`, and hold what must hold of the outcome; the spec, if it is one."""
    spec = hold_load(data, name, lint_source)
    if source := decode_source(name, data, Sink()):
        hold_format(source)
    return spec


def hold_load(data: bytes, name: str = "probe.yaml", check: Callable[..., Spec | None] = load_source) -> Spec | None:
    """The same without the rules, the proofs and the formatter."""
    sink = Sink()
    source = decode_source(name, data, sink)
    spec = check(source, sink, named=False) if source else None
    assert (spec is None) == sink.failed
    hold_findings(sink, name)
    return spec


def hold_syntax(data: bytes, name: str = "probe.yaml") -> None:
    """Read the bytes as YAML, and every string of the language in it, and hold what must hold of the findings."""
    sink = Sink()
    source = decode_source(name, data, sink)
    root = parse_yaml(source, sink) if source else None
    if source and isinstance(root, Mapping):
        meaning_of(source, root, sink)
    hold_findings(sink, name)


def hold_findings(sink: Sink, name: str) -> None:
    """Every place lies in the file, only unreadable files have findings without one, and every format writes them."""
    for found in sink.diagnostics:
        spans = [found.span, *(label.span for label in found.labels)]
        edits = found.fix.edits if found.fix else ()
        for span in (*spans, *(span for span, _ in edits)):
            if span is not None:
                assert span.path == name, found
                assert 0 <= span.start <= span.end <= len(sink.sources[name].text), found
        assert found.span is not None or found.code == "TS001", found
    for form in FORMATS:
        render_findings(sink, form)


def hold_format(source: SourceText) -> None:
    """Formatting gives findings or a text, and leaves that text as it is."""
    sink = Sink()
    text = format_spec(source, sink)
    assert (text is None) == bool(sink.diagnostics)
    if text is not None:
        assert format_spec(SourceText(source.path, text), Sink()) == text
