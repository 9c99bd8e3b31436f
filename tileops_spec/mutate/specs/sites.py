"""A spec file taken apart for mutation: its syntax trees, each node with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...check.document import Document, open_document
from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import SourceText, Span
from ...source.files import read_source
from ...source.yaml_tree import Mapping, Scalar, Sequence, parse_yaml
from ...syntax import tree
from ...syntax.parse import parse_math


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One seeded error: `kind` names its class, `text` is the whole file with it."""

    kind: str
    line: int
    change: str
    text: str


@dataclass(frozen=True)
class Sites:
    """Where a spec can be mutated."""

    source: SourceText
    statements: tuple[tree.Statement, ...]
    inputs: dict[str, tree.TensorType]
    outputs: dict[str, tree.TensorType]
    params: dict[str, tree.ParamType]
    references: tuple[Span, ...]
    workloads: tuple[dict[str, Scalar], ...]

    def read(self, span: Span) -> str:
        return self.source.text[span.start : span.end]

    def mutant(self, kind: str, span: Span, replacement: str) -> Mutant:
        """The file with one place replaced."""
        text = self.source.text
        before = " ".join(self.read(span).split())
        return Mutant(
            kind=kind,
            line=self.source.position(span.start).line,
            change=f"{before} → {replacement or '(nothing)'}",
            text=text[: span.start] + replacement + text[span.end :],
        )

    def swapped(self, kind: str, first: Span, second: Span) -> Mutant:
        """The file with two places, the first one further up, exchanged."""
        whole = first.to(second)
        between = self.source.text[first.end : second.start]
        return self.mutant(kind, whole, self.read(second) + between + self.read(first))

    def expressions(self) -> Iterator[tree.Expr]:
        """Every node of the statements' right-hand sides."""
        for statement in self.statements:
            yield from nodes(statement.value)


def nodes(node: tree.Node) -> Iterator[tree.Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in tree.children(node):
        yield from nodes(child)


def read_sites(path: Path) -> Sites:
    """The places of a spec that loads. Raises ValueError for a file that does not parse."""
    sink = Sink()
    source = read_source(path, sink)
    root = parse_yaml(source, sink) if source else None
    document = open_document(source, root, sink) if source and root else None
    if source is None or document is None or sink.failed:
        raise ValueError(f"{path} is no spec that can be read")
    math = document.node("math")
    return Sites(
        source=source,
        statements=parse_math(source, math.span, sink)[0] if isinstance(math, Scalar) else (),
        inputs=_parsed(document, "inputs", "tensor_type"),
        outputs=_parsed(document, "outputs", "tensor_type"),
        params=_parsed(document, "params", "param_type"),
        references=tuple(node.span for node in _scalars(document, "reference")),
        workloads=tuple(_workloads(document)),
    )


def _parsed(document: Document, key: str, entry) -> dict:
    parsed = {name: document.parse(entry, node, name) for name, (_, node) in document.mapping(key, "").items()}
    return {name: each for name, each in parsed.items() if each is not None}


def _scalars(document: Document, key: str) -> Iterator[Scalar]:
    for _, node in document.mapping(key, "").values():
        if isinstance(node, Scalar):
            yield node


def _workloads(document: Document) -> Iterator[dict[str, Scalar]]:
    node = document.node("workloads")
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Mapping):
            yield {name: value for name, (_, value) in item.entries.items() if isinstance(value, Scalar)}
