"""Formatting is idempotent, keeps every comment and what a spec says, whatever the spec looks like."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.check import load_spec
from tileops_spec.check.suppress import read_suppressions
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.source.yaml_tree import Mapping, Node, Scalar, parse_yaml
from tileops_spec.syntax.format import format_spec
from tileops_spec.syntax.lines import split_statements

from .untidy import Untidy

ROOT = Path(__file__).parents[2]
BOUNDED = settings(max_examples=300, deadline=None, derandomize=True)
EDITS = (" ", "\n", "\n  ", "\t", "  # k\n", "\n# k\n", '"', "'", "{", "]", ",", ":", "- ", "\r\n", "|")
RANDOM = st.integers(0, 2**32).map(Random)


def formatted(text: str) -> str:
    sink = Sink()
    result = format_spec(SourceText("probe.yaml", text), sink)
    assert result is not None, (sink.diagnostics, text)
    return result


def content(text: str) -> object:
    """What a file holds, read without the formatter's help: strings of the language without white space."""
    source = SourceText("probe.yaml", text)
    return _plain(source, parse_yaml(source, Sink()), "")


def _plain(source: SourceText, node: Node | None, key: str) -> object:
    if isinstance(node, Mapping):
        entries = {name: _plain(source, child, key if key else name) for name, (_, child) in node.entries.items()}
        return entries if not key else list(entries.items())
    if not isinstance(node, Scalar):
        return [_plain(source, item, key) for item in node.items] if node else None
    if key == "math":
        spans = split_statements(source, node.span)
        return [_without_space(source.text[span.start : span.end]) for span in spans]
    if key in ("constants", "dtypes", "inputs", "params", "where"):
        return _without_space(source.text[node.span.start : node.span.end])
    return node.value


def _without_space(text: str) -> str:
    text = "".join(re.sub(r"#.*", "", text).split())
    return re.sub(r",(?=[)\]])", "", text)


def keys_in_order(content: object) -> object:
    return sorted(content.items()) if isinstance(content, dict) else content


@BOUNDED
@given(chance=RANDOM)
def test_untidy_specs(chance: Random) -> None:
    untidy = Untidy(chance)
    text = untidy.spec()
    result = formatted(text)
    assert formatted(result) == result
    assert keys_in_order(content(result)) == keys_in_order(content(text))
    found = [int(number) for number in re.findall(r"# k(\d+)k", result)]
    assert sorted(found) == list(range(1, untidy.comments + 1))
    assert not re.search(r"\r|[ \t]\n|\n\n\n|\A\n|[^\n]\Z|\n\n\Z", result)


@BOUNDED
@given(chance=RANDOM)
def test_untidy_mathematics(chance: Random) -> None:
    untidy = Untidy(chance)
    text = f"math: {untidy.math()}"
    result = formatted(text)
    assert formatted(result) == result
    assert content(result) == content(text)
    numbers = r"# k(\d+)k"
    assert re.findall(numbers, result) == re.findall(numbers, text)
    assert not re.search(r"[ \t]+$|\n\n\n", result, re.M)


@BOUNDED
@given(chance=RANDOM)
def test_clauses_of_any_length(chance: Random) -> None:
    untidy = Untidy(chance)
    tokens = untidy.expression(6)
    text = f"where:\n  - {untidy.quoted(untidy.string(tokens), False)}\n"
    result = formatted(text)
    assert formatted(result) == result
    assert content(result) == content(text)
    assert not any(_has_place(line) for line in result.split("\n") if len(line) > 120)


def _has_place(line: str) -> bool:
    """Whether a line could be broken further: indices are kept together."""
    inner = re.compile(r"\[[^\[\]]*\]")
    while inner.search(line):
        line = inner.sub("", line)
    return re.search(r" (?:or|and|[-+*/%|&<>=]+) |, ", line.strip()) is not None


@BOUNDED
@given(
    chance=RANDOM,
    edits=st.lists(st.sampled_from(EDITS), min_size=1, max_size=4),
)
def test_damaged_specs(chance: Random, edits: list[str]) -> None:
    """Either there are findings, or the result is as it should be; formatting never fails."""
    text = chance.choice(SPECS)
    for edit in edits:
        place = chance.randrange(len(text) + 1)
        text = text[:place] + edit + text[place:]
    sink = Sink()
    result = format_spec(SourceText("probe.yaml", text), sink)
    assert (result is None) == bool(sink.diagnostics)
    if result is not None:
        assert formatted(result) == result
        assert result.count("#") == text.count("#")


def _blocks() -> list[str]:
    """The specs in the cases of the checker and on the page of the language that are complete."""
    pages = (*sorted((ROOT / "tests" / "cases" / "check").glob("*.md")), ROOT / "docs" / "language.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    blocks = [block for text in texts for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    return [block for block in blocks if re.search(r"^op:", block, re.M)]


FILES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.yaml"))]
SPECS = FILES + _blocks()


@pytest.mark.parametrize("text", SPECS, ids=lambda text: re.findall(r"(?m)^op: *(.*)", text)[0])
def test_specs_mean_the_same(text: str, tmp_path: Path) -> None:
    """A spec that loads loads to an equal one; one that does not has the same findings, or a syntax error."""
    name = re.findall(r"(?m)^op: *(\w+)", text)
    path = tmp_path / f"{name[0] if name else 'probe'}.yaml"
    sink = Sink()
    result = format_spec(SourceText(str(path), text), sink)
    if result is None:
        assert {found.code for found in sink.diagnostics} <= {"TS002", "TS004", "TS006", "TS101"}
        return
    before, findings = _loaded(path, text)
    after, same = _loaded(path, result)
    assert after == before
    assert same == findings
    assert _suppressed(result) == _suppressed(text)


def _loaded(path: Path, text: str):
    path.write_text(text, encoding="utf-8")
    sink = Sink()
    return load_spec(path, sink), sorted((found.code, found.message) for found in sink.diagnostics)


def _suppressed(text: str) -> list[str]:
    """The code of the lines that suppressions speak of."""
    source = SourceText("probe.yaml", text)
    lines = [source.line(each.line) for each in read_suppressions(source, Sink())]
    return sorted(_without_space(line) for line in lines)
