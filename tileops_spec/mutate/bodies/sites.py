"""A body taken apart for mutation: its Python syntax tree, each node with its place in the text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ...ir.spec import Spec
from ...scaffold.body import Body, Tunable
from ...scaffold.naming import presence_flag, safe_name

_ALLOCATORS = ("alloc_shared", "alloc_fragment", "alloc_local", "alloc_var")


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a body's text, in bytes of UTF-8, and what stands there instead."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Names:
    """What a body is given by the generated code around it.

    `tensors` maps inputs and outputs to their ranks; `params` has each param with the Python text of its default value,
    `flags` those that are truth values: params, and whether an optional input is given.
    """

    tensors: Mapping[str, int]
    outputs: frozenset[str]
    dims: tuple[str, ...]
    params: tuple[str, ...]
    flags: tuple[str, ...]
    tunables: Mapping[str, tuple[Tunable, ...]]


def names_of(spec: Spec, body: Body) -> Names:
    """The names of a spec and of a body's tunables, as they stand in the body."""
    optional = tuple(presence_flag(tensor) for tensor in spec.inputs if tensor.default is not None)
    tensors = (*spec.inputs, *spec.outputs)
    return Names(
        tensors={safe_name(tensor.name): len(tensor.shape) for tensor in tensors},
        outputs=frozenset(safe_name(tensor.name) for tensor in spec.outputs),
        dims=tuple(safe_name(dim.name) for dim in spec.dims),
        params=tuple(safe_name(param.name) for param in spec.params if param.dtype != "bool"),
        flags=(*(safe_name(param.name) for param in spec.params if param.dtype == "bool"), *optional),
        tunables=dict(body.tunables),
    )


class Sites:
    """Where a body can be mutated. `code` is dedented; SyntaxError where it is no Python."""

    def __init__(self, code: str, names: Names) -> None:
        self.code, self.names = code, names
        self.tree = ast.parse(code)
        self._bytes = code.encode()
        self._lines = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.nodes = list(_preorder(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset

    def read(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self._bytes[start:end].decode()

    def replace(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        return Edit(*self.span(node), text)

    def remove(self, statement: ast.stmt) -> Edit:
        return self.replace(statement, "pass")

    def swap(self, first: ast.expr | ast.stmt, second: ast.expr | ast.stmt) -> Edit:
        """Two nodes exchanged, the first one further up in the text."""
        (start, middle), (other, end) = self.span(first), self.span(second)
        between = self._bytes[middle:other].decode()
        return Edit(start, end, self.read(second) + between + self.read(first))

    def repeat(self, statement: ast.stmt) -> Edit:
        text = self.read(statement)
        return self.replace(statement, f"{text}\n{' ' * statement.col_offset}{text}")

    def apply(self, edit: Edit) -> str:
        return (self._bytes[: edit.start] + edit.text.encode() + self._bytes[edit.end :]).decode()

    def before(self, edit: Edit) -> str:
        return self._bytes[edit.start : edit.end].decode()

    def line(self, edit: Edit) -> int:
        """The line of an edit in the body, from 1."""
        return self._bytes.count(b"\n", 0, edit.start) + 1

    def of(self, *kinds: type[ast.AST]) -> Iterator:
        """All nodes of some types, in the order of the text."""
        return (node for node in self.nodes if isinstance(node, kinds))

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """The calls of `T.<name>` for any of the names; of every `T` function where none is given."""
        for node in self.of(ast.Call):
            name = tile_name(node)
            if name and (not names or name in names):
                yield node

    def statements(self, *names: str) -> Iterator[ast.Expr]:
        """The statements that are nothing but such a call."""
        for node in self.of(ast.Expr):
            if isinstance(node.value, ast.Call) and tile_name(node.value) in names:
                yield node

    @cached_property
    def buffers(self) -> dict[str, ast.Call]:
        """On-chip buffers by name, with the call that allocates each."""
        found = {}
        for node in self.of(ast.Assign):
            name, value = node.targets[0], node.value
            if isinstance(name, ast.Name) and isinstance(value, ast.Call) and tile_name(value) in _ALLOCATORS:
                found[name.id] = value
        return found

    def accesses(self) -> Iterator[tuple[ast.Subscript, list[ast.expr]]]:
        """Elements and regions of buffers and tensors, with their indices."""
        for node in self.of(ast.Subscript):
            if isinstance(node.value, ast.Name) and (
                node.value.id in self.buffers or node.value.id in self.names.tensors
            ):
                items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                yield node, list(items)

    def stored(self) -> Iterator[ast.Assign | ast.AugAssign]:
        """Statements that store an element of a buffer or tensor, or a variable of the kernel."""
        for node in self.of(ast.Assign, ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            base = target.value if isinstance(target, ast.Subscript) else target
            known = isinstance(base, ast.Name) and (base.id in self.buffers or base.id in self.names.tensors)
            if known and (isinstance(target, ast.Subscript) or isinstance(node, ast.AugAssign)):
                yield node

    def inside(self, node: ast.AST, *kinds: type[ast.AST]) -> bool:
        """Whether the node stands somewhere under a node of one of the types."""
        parent = self.parents.get(node)
        while parent is not None:
            if isinstance(parent, kinds):
                return True
            parent = self.parents.get(parent)
        return False


def tile_name(node: ast.AST) -> str | None:
    """`copy` of a call `T.copy(…)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    base = node.func.value
    return node.func.attr if isinstance(base, ast.Name) and base.id == "T" else None


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    return next((each for each in call.keywords if each.arg == name), None)


def is_number(node: ast.AST, *types: type) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (types or (int, float))


def _preorder(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _preorder(child)
