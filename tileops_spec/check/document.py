"""The shape of a spec file: which keys it has, and what kind of value each takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText, Span
from ..source.yaml_tree import Mapping, Node, Scalar, Sequence
from ..syntax.parse import Entry, parse_string
from .suggest import did_you_mean

REQUIRED = ("op", "summary", "inputs", "outputs", "math")
KEYS = (
    "op",
    "summary",
    "family",
    "status",
    "constants",
    "dtypes",
    "dims",
    "inputs",
    "params",
    "outputs",
    "where",
    "math",
    "reference",
    "tolerance",
    "hardware",
    "workloads",
)
"""Every key of a spec, in the order in which specs are written."""


@dataclass
class Document:
    """A spec file as a mapping of known keys, with readers that report what has the wrong form.

    `named`: whether the file must be named like its op.
    """

    source: SourceText
    sink: Sink
    root: Mapping
    named: bool = True

    def node(self, key: str) -> Node | None:
        entry = self.root.entries.get(key)
        return entry[1] if entry else None

    def key_span(self, key: str) -> Span:
        entry = self.root.entries.get(key)
        return entry[0].span if entry else self.root.span

    def text(self, key: str) -> Scalar | None:
        """The scalar under `key`; TS006 where it is not one."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
            return node
        self.wrong(node, f"`{key}` takes text")
        return None

    def mapping(self, key: str, form: str) -> dict[str, tuple[Scalar, Node]]:
        """The entries under `key`, {} where it is absent; TS006 where it is not a mapping."""
        node = self.node(key)
        if node is None:
            return {}
        if isinstance(node, Mapping):
            return node.entries
        self.wrong(node, f"`{key}` takes a mapping", form)
        return {}

    def sequence(self, key: str, form: str) -> tuple[Node, ...]:
        node = self.node(key)
        if node is None:
            return ()
        if isinstance(node, Sequence):
            return node.items
        self.wrong(node, f"`{key}` takes a list", form)
        return ()

    def parse(self, entry: Entry, node: Node, what: str) -> Any | None:
        """The DSL string in a scalar, parsed; numbers and truths are read from their text as well."""
        if isinstance(node, Scalar) and node.value is not None:
            if node.verbatim:
                return parse_string(entry, self.source, node.span, self.sink)
            self.wrong(node, f"{what} holds an escape", "write it without backslashes or doubled quotes")
            return None
        self.wrong(node, f"{what} is missing or not text")
        return None

    def unknown_keys(self, entries: dict[str, tuple[Scalar, Node]], known: tuple[str, ...], where: str) -> None:
        """TS003 for each key that is not among `known`."""
        for name, (key, _) in entries.items():
            if name not in known:
                otherwise = f"{where} has the keys {', '.join(known)}"
                self.sink.error("TS003", f"unknown key `{name}`", key.span, help=did_you_mean(name, known, otherwise))

    def wrong(self, node: Node, message: str, form: str | None = None) -> None:
        self.sink.error("TS006", message, node.span, help=form)


def open_document(source: SourceText, root: Node, sink: Sink, *, named: bool = True) -> Document | None:
    """The file as a Document; TS003, TS005 and TS006 for keys that are unknown, absent or of the wrong form."""
    if not isinstance(root, Mapping):
        sink.error("TS006", "a spec is a mapping of keys", root.span, help=f"it has the keys {', '.join(KEYS)}")
        return None
    document = Document(source, sink, root, named)
    document.unknown_keys(root.entries, KEYS, "a spec")
    for key in REQUIRED:
        if key not in root.entries and (key != "math" or "reference" not in root.entries):
            sink.error("TS005", f"the spec has no `{key}`", source.span(0, 0), help=_EXAMPLES[key])
    return document


_EXAMPLES = {
    "op": "add a line such as `op: gemm`",
    "summary": "add one sentence, such as `summary: Dense matrix product.`",
    "inputs": "add a mapping such as `inputs: {A: 'T[M, K]'}`",
    "outputs": "add a mapping such as `outputs: {C: 'T[M, N]'}`",
    "math": "add a block that defines every output, such as `C[m, n] = sum[k](A[m, k] * B[k, n])`",
}
