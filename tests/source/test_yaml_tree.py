"""YAML as a tree: values under YAML 1.2, and spans that cover what is written."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.source.yaml_tree import MAX_DEPTH, Mapping, Node, Scalar, Sequence, parse_yaml


class Read:
    """One text, read."""

    def __init__(self, text: str) -> None:
        self.source, self.sink = SourceText("x.yaml", text), Sink()
        self.root = parse_yaml(self.source, self.sink)

    def __getitem__(self, path: str) -> Node:
        """The node at `key/0/key`."""
        node = self.root
        for step in path.split("/"):
            node = node.items[int(step)] if isinstance(node, Sequence) else node.entries[step][1]
        return node

    def slice(self, node: Node) -> str:
        return self.source.text[node.span.start : node.span.end]

    @property
    def codes(self) -> list[str]:
        return [found.code for found in self.sink.errors]


def _scalar(text: str) -> tuple[Read, Scalar]:
    read = Read(text)
    assert not read.sink.diagnostics
    return read, read["k"]


@pytest.mark.parametrize(
    ("text", "value", "written", "verbatim", "folded"),
    [
        ("k: a b", "a b", "a b", True, False),
        ("k:   a b   # c", "a b", "a b", True, False),
        ("k: a\n  b\nz: 1", "a b", "a\n  b", True, True),
        ("k: 'a b'", "a b", "a b", True, False),
        ("k: 'it''s'", "it's", "it''s", False, False),
        ('k: "a b"', "a b", "a b", True, False),
        ('k: "a\\tb"', "a\tb", "a\\tb", False, False),
        ('k: "a\n  b"', "a b", "a\n  b", True, True),
        ('k: "\\u0041"', "A", "\\u0041", False, False),
        ("k: ''", "", "", True, False),
        ("{k: a b, z: 1}", "a b", "a b", True, False),
        ("{k: 'a, b'}", "a, b", "a, b", True, False),
        ("k: |\n  a\n   b\n", "a\n b\n", "  a\n   b\n", True, False),
        ("k: |-\n  a\n\n", "a", "  a\n\n", True, False),
        ("k: |+\n  a\n\n", "a\n\n", "  a\n\n", True, False),
        ("k: |2\n    a\n  b\n", "  a\nb\n", "    a\n  b\n", True, False),
        ("k: |2-\n    a\n", "  a", "    a\n", True, False),
        ("k: | # why\n  a\n", "a\n", "  a\n", True, False),
        ("k: >\n  a\n  b\n", "a b\n", "  a\n  b\n", True, True),
        ("k: >-\n  a\n", "a", "  a\n", True, True),
        ("k: |\r\n  a\r\n  b\r\n", "a\nb\n", "  a\r\n  b\r\n", True, False),
        ("k: |\r  a\r  b\r", "a\nb\n", "  a\r  b\r", True, False),
        ("k: |\n  a # b\n", "a # b\n", "  a # b\n", True, False),
        ("# é 漢 𝒜\nk: 漢 x", "漢 x", "漢 x", True, False),
    ],
)
def test_text(text: str, value: str, written: str, verbatim: bool, folded: bool) -> None:
    read, scalar = _scalar(text)
    assert (scalar.value, scalar.verbatim, scalar.folded) == (value, verbatim, folded)
    assert read.slice(scalar) == written


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029", "\ufeff", "\ue000"])
@pytest.mark.parametrize("form", ["k: a{0}b # {0}", "k: 'a{0}b'", 'k: "a{0}b" # x', "k: |-\n  a{0}b", "{{k: a{0}b}}"])
def test_what_only_yaml_1_1_takes_for_a_line_break_is_text(form: str, char: str) -> None:
    read, scalar = _scalar(form.format(char) + "\n# \ue000\ue001\n")
    assert scalar.value == f"a{char}b"
    assert read.slice(scalar).strip() == f"a{char}b"
    assert scalar.verbatim
    assert not scalar.folded


def test_such_characters_in_keys() -> None:
    assert list(Read("\u2028a: 1\n\ufeffb: 2\n'c\x85': 3").root.entries) == ["\u2028a", "\ufeffb", "c\x85"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("value", ["'a\n  b'", "a\n\n  b # c", "|-\n  a\n  b", ">-\n  a\n  b\n"])
def test_places_after_line_breaks_in_scalars(value: str, line_break: str) -> None:
    read = Read(f"k: {value}\nz: 漢".replace("\n", line_break))
    assert read.slice(read["z"]) == "漢"


def test_a_block_ends_before_the_next_key_and_its_comment() -> None:
    read, scalar = _scalar("k: |\n  a\n\n# about z\nz: 1\n")
    assert scalar.value == "a\n"
    assert read.slice(scalar).rstrip() == "  a"
    assert read.slice(read["z"]) == "1"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("7", 7), ("-7", -7), ("0x1F", 31), ("0o17", 15), ("1e-6", 1e-6), ("1.5", 1.5), ("-.5", -0.5)),
        *(("+7", 7), ("007", 7), ("1.", 1.0), ("-.INF", -math.inf), ("1E3", 1000.0), ("9" * 5000, "9" * 5000)),
        *((word, word) for word in ("1_000", "0b1", "0x", "1e", ".", "+", "0o8", "NaN", "inf", "١")),
        *(("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
        *((word, word) for word in ("yes", "no", "on", "N", "y", "1.2.3", "2024-01-01", "1:30")),
        *(("'7'", "7"), ('"true"', "true"), ("f16 | bf16", "f16 | bf16")),
    ],
)
def test_values_follow_yaml_1_2(written: str, value: object) -> None:
    _, scalar = _scalar(f"k: {written}")
    assert scalar.value == value
    assert type(scalar.value) is type(value)


@pytest.mark.parametrize("key", ["1", "true", "null", "~", "1.5", "<<", "N", "漢", "'a b'"])
def test_keys_are_words_as_written(key: str) -> None:
    read = Read(f"{key}: 1")
    ((name, (place, _)),) = read.root.entries.items()
    assert name == key.strip("'")
    assert read.slice(place) == name


def test_merge_keys_do_not_merge() -> None:
    assert list(Read("a: 1\n<<: {b: 2}\n").root.entries) == ["a", "<<"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: 1\nb: 2\na: 3\n", [(3, 1)]),
        ("{a: 1, 'a': 2}", [(1, 9)]),
        ("m:\n  a: 1\n  a: 2\n  a: 3\n", [(3, 3), (4, 3)]),
        ("l:\n- {x: 1, x: 2}\n- {x: 1}\n", [(2, 10)]),
        ("m: {a: {b: 1, b: 2}, a: 3}", [(1, 15), (1, 22)]),
        ("1: a\n'1': b\n", [(2, 2)]),
    ],
)
def test_duplicate_keys(text: str, places: list[tuple[int, int]]) -> None:
    read = Read(text)
    positions = [read.source.position(found.span.start) for found in read.sink.errors]
    assert [(at.line, at.column) for at in positions] == places
    assert set(read.codes) == {"TS004"}
    assert all(found.labels[0].text == "first given here" for found in read.sink.errors)
    assert isinstance(read.root, Mapping)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", 0, "the file is empty"),
        ("# only a comment\n", 0, "the file is empty"),
        ("a: b: c", 4, "mapping values are not allowed"),
        ("a: [1, 2", 8, "invalid YAML"),
        ("a:\n\t- 1", 3, "cannot start any token"),
        ("a: 'x", 5, "end of stream"),
        ("a: \x01", 3, "special characters are not allowed"),
        ("- 1\nb: 2", 4, "expected"),
        ("a: 1\n---\nb: 2\n", 5, "another document"),
        ("a: &x 1\nb: *x\n", 3, "anchors and aliases are not used"),
        ("a: *x", 3, "anchors and aliases are not used"),
        ("&x a: 1", 0, "anchors and aliases are not used"),
        ("a: !!int 1", 3, "tags are not used"),
        ("a: !x y", 3, "tags are not used"),
        ("%YAML 1.1\n---\na: 1", 0, "directives are not used"),
        ("%YAML 1.3\n---\na: 1", 0, "directives are not used"),
        ("# c\n%FOO bar\n---\na: 1", 4, "directives are not used"),
        ("%TAG ! tag:x,2000:\n---\na: 1", 0, "directives are not used"),
        ("a: !x!y z", 3, "tags are not used"),
        ("a: !<x", 3, "tags are not used"),
        ("a: ! x", 3, "tags are not used"),
        ("a: &x", 3, "anchors and aliases are not used"),
        ("{a: &x}", 4, "anchors and aliases are not used"),
        ("a: \ud800", 3, "special characters are not allowed"),
        ("[a]: 1", 0, "a key must be a plain word"),
        ("? {a: 1}\n: 2", 2, "a key must be a plain word"),
        ('a: "\\uD83D"', 3, "half of a UTF-16 pair"),
        ('a: "\\UFFFFFFFF"', 6, "invalid YAML"),
        ('a: "\\q"', 4, "unknown escape character"),
    ],
)
def test_what_is_refused(text: str, at: int, message: str) -> None:
    read = Read(text)
    assert read.codes == ["TS002"]
    (found,) = read.sink.errors
    assert message in found.message
    assert found.span.start == at


@pytest.mark.parametrize("nest", ["[{}]", "{{a: {}}}", "[[{}]]", "- {}", "? {}"])
def test_depth_is_limited(nest: str) -> None:
    def nested(levels: int) -> str:
        text = "1"
        for _ in range(levels):
            text = nest.format(text)
        return text

    assert not any("too deeply" in found.message for found in Read(nested(8)).sink.errors)
    for levels in (MAX_DEPTH + 1, 200, 3000):
        read = Read(nested(levels))
        assert read.root is None
        assert read.codes == ["TS002"]
        assert "nested too deeply" in read.sink.errors[0].message


WORDS = st.text(alphabet="abzé漢𝒜 :#'\"-,[]{}", min_size=1, max_size=8)
VALUES = st.recursive(
    WORDS, lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3), max_leaves=6
)


def _flow(value, draw_break) -> str:
    """The value as YAML flow style, every word in single quotes."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    space = draw_break()
    if isinstance(value, list):
        return "[" + ",".join(space + _flow(each, draw_break) for each in value) + space + "]"
    pairs = (f"{space}{_flow(key, draw_break)} : {_flow(each, draw_break)}" for key, each in value.items())
    return "{" + ",".join(pairs) + space + "}"


def _value(node: Node):
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    return {name: _value(value) for name, (_, value) in node.entries.items()}


def _scalars(node: Node):
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item)
    else:
        for key, value in node.entries.values():
            yield key
            yield from _scalars(value)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(value=VALUES, data=st.data())
@example(value={"a": ["b"]}, data=None)
def test_flow_trees_round_trip_with_their_places(value, data) -> None:
    spaces = st.sampled_from(["", " ", "\n ", "\r\n  ", " # c\n "])
    read = Read("k: " + _flow(value, lambda: data.draw(spaces) if data else ""))
    assert not read.sink.diagnostics
    assert _value(read["k"]) == value
    for scalar in _scalars(read["k"]):
        assert read.slice(scalar).replace("''", "'") == scalar.value
        assert read.source.text[scalar.span.start - 1] == read.source.text[scalar.span.end] == "'"
