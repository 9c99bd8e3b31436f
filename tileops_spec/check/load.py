"""One spec file, from disk to IR."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path

from ..diagnostics.diagnostic import Sink, TooManyErrors
from ..diagnostics.text import SourceText
from ..ir.spec import Definition, Hardware, Reference, Spec
from ..source.files import read_source
from ..source.yaml_tree import Node, Scalar, Sequence, parse_yaml
from ..syntax.parse import parse_math
from ..syntax.tree import Statement
from .document import Document, open_document
from .dtypes import infer_dtypes
from .scope import Scope
from .signature import (
    check_declared_dims,
    declare_params,
    read_constants,
    read_dims,
    read_dtypes,
    read_tensors,
    read_where,
    resolve_params,
)
from .statements import resolve_math
from .tolerance import read_tolerance
from .workloads import read_workloads

MOST_ERRORS = 100
"""Errors of one file that are reported."""
STATUSES = ("draft", "ready")
OP_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
"""Names of ops and families: snake_case."""


def load_spec(path: Path, sink: Sink) -> Spec | None:
    """Read, parse and check one spec file; every error goes to the sink, and None comes back where there is one."""
    source = read_source(path, sink)
    return load_source(source, sink) if source else None


def load_source(source: SourceText, sink: Sink, *, named: bool = True) -> Spec | None:
    """The same for a text that has been read; `named` says that its path must be named like its op."""
    own = Sink(sources=sink.sources, most=MOST_ERRORS)  # what failed before this file is no concern of its passes
    try:
        spec = _load(source, own, named)
    except TooManyErrors:
        spec = None
    sink.extend(own.diagnostics)
    return None if own.failed else spec


def _load(source: SourceText, sink: Sink, named: bool) -> Spec | None:
    root = parse_yaml(source, sink)
    document = open_document(source, root, sink, named=named) if root else None
    spec = _resolve(document) if document else None
    return infer_dtypes(spec, sink) if spec else None


def _resolve(document: Document) -> Spec | None:
    """The passes over the document, each after what it needs."""
    scope = Scope(document.sink)
    read_constants(document, scope)
    read_dtypes(document, scope)
    declared = read_dims(document, scope)
    parsed_params = declare_params(document, scope)
    inputs = read_tensors(document, scope, "inputs", declared)
    check_declared_dims(scope, declared)
    params = resolve_params(parsed_params, scope)
    outputs = read_tensors(document, scope, "outputs", declared)
    where = read_where(document, scope)
    math = resolve_math(_statements(document, scope), scope) if document.node("math") else _without_math(document)
    workloads = read_workloads(document, scope)
    references, hardware = _references(document), _hardware(document)
    tolerance = read_tolerance(document)
    op, family, status = _op_name(document), _word(document, "family"), _word(document, "status", STATUSES)
    if document.sink.failed:
        return None
    return Spec(
        op=op,
        summary=str(document.root.entries["summary"][1].value).strip(),  # type: ignore[union-attr]
        dtypes=tuple(scope.dtypes.values()),
        dims=tuple(scope.dims.values()),
        params=params,
        inputs=inputs,
        outputs=outputs,
        where=where,
        math=math,
        assumptions=tuple(scope.assumptions),
        dtype_groups=tuple(scope.dtype_groups),
        constants=tuple(scope.constants.values()),
        family=family,
        status=status or "ready",  # type: ignore[arg-type]
        references=references,
        tolerance=tolerance,
        hardware=hardware,
        workloads=workloads,
        path=document.source.path,
        span=document.root.span,
    )


def _op_name(document: Document) -> str:
    node = document.text("op")
    document.text("summary")
    if node is None:
        return ""
    name = str(node.value)
    if iskeyword(name):
        help_text = f"name the op otherwise, such as `{name}_op`: it names a Python package"
        document.sink.error("TS006", f"`{name}` is a word of Python", node.span, help=help_text)
    if not OP_NAME.match(name):
        document.sink.error("TS006", f"`{name}` is not snake_case", node.span, help="name the op like `rms_norm`")
    stem = Path(document.source.path).stem
    if document.named and name != stem:
        help_text = f"rename the file to {name}.yaml, or the op to {stem}"
        document.sink.error("TS006", f"op `{name}` stands in the file {stem}.yaml", node.span, help=help_text)
    return name


def _word(document: Document, key: str, known: tuple[str, ...] = ()) -> str:
    """A key that takes one word, of `known` where that is given; `` where the key is absent or wrong."""
    node = document.text(key) if document.node(key) is not None else None
    if node is None:
        return ""
    word = str(node.value)
    if known and word not in known:
        document.wrong(node, f"there is no {key} `{word}`", f"write one of {', '.join(known)}")
    elif not OP_NAME.match(word):
        document.wrong(node, f"`{word}` is not snake_case", f"write `{key}: attention`")
    return word


def _without_math(document: Document) -> tuple[Definition, ...]:
    """TS132: what a spec loses that gives a reference alone."""
    if document.node("reference") is not None:
        message = "without `math` nothing is derived: no tolerance, cost, class, feature, or proof of an index"
        help_text = "say the mathematics where the language can; until then kernels are held to the reference"
        document.sink.warning("TS132", message, document.key_span("reference"), help=help_text)
    return ()


def _statements(document: Document, scope: Scope) -> tuple[Statement, ...]:
    node = document.text("math")
    if node is None or node.folded or not node.verbatim:
        scope.broken.update(scope.outputs)
        if node is not None:
            document.wrong(node, "`math` is a literal block", "write `math: |` and indent the statements below it")
        return ()
    statements, broken = parse_math(document.source, node.span, document.sink)
    scope.broken.update(broken)
    return statements


def _references(document: Document) -> tuple[Reference, ...]:
    form = "references are written `torch: torch.nn.functional.linear(A, B)`"
    references = []
    for library, (_, node) in document.mapping("reference", form).items():
        if isinstance(node, Scalar) and isinstance(node.value, str):
            references.append(Reference(library=library, expression=node.value.strip(), span=node.span))
        else:
            document.wrong(node, f"reference `{library}` is an expression", form)
    return tuple(references)


def _hardware(document: Document) -> Hardware:
    entries = document.mapping("hardware", "hardware is written `{targets: [sm_90a], require: [wgmma]}`")
    document.unknown_keys(entries, ("targets", "require"), "`hardware`")
    given = {key: _words(key, entry[1], document) for key, entry in entries.items() if key in ("targets", "require")}
    return Hardware(**given, span=document.key_span("hardware"))


def _words(key: str, node: Node, document: Document) -> tuple[str, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    form = f"write `{key}: {'[sm_90a]' if key == 'targets' else '[wgmma, tma]'}`"
    if key == "targets" and not items:
        document.wrong(node, "`targets` is empty", form)
    if not all(isinstance(item, Scalar) and isinstance(item.value, str) for item in items):
        document.wrong(node, f"`{key}` takes a list of words", form)
        return ()
    return tuple(str(item.value) for item in items)  # type: ignore[union-attr]
