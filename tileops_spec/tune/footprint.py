"""What a kernel keeps on the chip: read from its tile-level TIR, in a child. Imported where TileLang is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from . import tir

_UNITS = {"wgmma_gemm": "wgmma", "tma_copy": "tma", "tcgen05_gemm": "tcgen05"}


@dataclass(slots=True)
class Buffer:
    """`first` and `last`: the places of the statements that use it, counted through the kernel; -1 where none does.

    `tops`: the statements of the kernel's outermost sequence that do.
    """

    name: str
    scope: str
    bytes: int
    shape: list[int]
    first: int = -1
    last: int = -1
    tops: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Reduction:
    """`rows` × `columns` elements of `source` become `rows` of `target`, in the statement at `place`."""

    source: str
    target: str
    rows: int
    columns: int
    place: int


@dataclass(slots=True)
class Product:
    """A product of tiles, in the statement at `place`; `named` is the operation."""

    named: str
    left: str
    right: str
    result: str
    m: int
    n: int
    k: int
    place: int


@dataclass(slots=True)
class Footprint:
    """`threads` a block, in `parts` where branches split them; `raised` is the most registers that a branch asks for.

    `pipelined`: loops that the compiler is to pipeline. `vector`: the elements that a thread takes at once. `units`:
    what the target must have for operations that the body asks for by name.
    """

    threads: int = 0
    raised: int = 0
    consumers: int = 0
    pipelined: list[int] = field(default_factory=list)
    vector: int = 1
    buffers: dict[str, Buffer] = field(default_factory=dict)
    units: list[str] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)


def footprint_of(function: Any) -> dict[str, Any]:
    """The Footprint of a PrimFunc as JSON data."""
    reading = _Reading()
    reading.kernel(function.body)
    return asdict(reading.found)


class _Reading:
    def __init__(self) -> None:
        self.found = Footprint()
        self._names: dict[Any, str] = {}
        self._threads: list[Any] = []
        self._place = 0
        self._top = 0

    def kernel(self, body: Any) -> None:
        for node in tir.walk(body):
            if type(node).__name__ == "SBlock":
                self._block(node)
            elif type(node).__name__ == "Bind" and tir.is_thread_index(node.value):
                self._threads.append(node.var)
            elif type(node).__name__ == "For" and int(dict(node.annotations).get("num_stages", 0)):
                self.found.pipelined.append(int(node.annotations["num_stages"]))
        self._outermost(body)
        self.found.consumers = self.found.consumers or self.found.threads

    def _block(self, block: Any) -> None:
        for size in dict(block.annotations).get("tl.launch_threads", ())[:1]:
            self.found.threads = int(size)
        for buffer in block.alloc_buffers:
            name = f"{buffer.name}.{len(self._names)}"
            self._names[buffer.data] = name
            shape = [int(extent) for extent in buffer.shape]
            self.found.buffers[name] = Buffer(buffer.name, buffer.scope(), tir.size_of(buffer), shape)

    def _outermost(self, node: Any) -> None:
        """Down to the sequence of the kernel's block, whose statements are numbered."""
        kind = type(node).__name__
        if kind == "SBlockRealize":
            self._outermost(node.block)
        elif kind == "SBlock" or (kind == "For" and node.thread_binding is not None):
            self._outermost(node.body)
        elif kind == "SeqStmt":
            for each in node.seq:
                is_kernel = type(each).__name__ in ("SBlockRealize", "For")
                self._outermost(each) if is_kernel and self._holds_block(each) else self._statement(each)
                self._top += 1
        else:
            self._statement(node)

    def _holds_block(self, node: Any) -> bool:
        return any(type(each).__name__ == "SBlock" for each in tir.walk(node))

    def _statement(self, node: Any) -> None:
        """In the order of the text."""
        for leaf in _leaves(node):
            self._place += 1
            if type(leaf).__name__ == "IfThenElse":
                self._split(leaf)
            else:
                self._leaf(leaf)

    def _split(self, node: Any) -> None:
        """`if tx < 256`: the first branch is that of the first 256 threads."""
        condition = node.condition
        if node.else_case is not None and type(condition).__name__ == "LT" and self._is_thread(condition.a):
            self.found.consumers = int(condition.b)

    def _is_thread(self, expr: Any) -> bool:
        return any(expr.same_as(each) for each in self._threads)

    def _leaf(self, leaf: Any) -> None:
        for node in tir.walk(leaf):
            kind = type(node).__name__
            if kind in ("BufferLoad", "BufferStore"):
                self._use(node.buffer)
            elif kind == "Call":
                self._call(node)
        if type(leaf).__name__ == "For":
            self._vector(leaf)

    def _use(self, buffer: Any) -> None:
        name = self._names.get(buffer.data)
        if name is None:
            return
        used = self.found.buffers[name]
        used.first = self._place if used.first < 0 else used.first
        used.last = self._place
        if self._top not in used.tops:
            used.tops.append(self._top)

    def _vector(self, loop: Any) -> None:
        """16 bytes of the narrowest global tensor that a parallel loop touches."""
        widths = [
            128 // tir.bits(node.buffer)
            for node in tir.walk(loop)
            if type(node).__name__ in ("BufferLoad", "BufferStore") and node.buffer.scope() in ("", "global")
        ]
        self.found.vector = max([self.found.vector, *widths])

    def _call(self, call: Any) -> None:
        name = tir.call_name(call)
        if name in _UNITS and _UNITS[name] not in self.found.units:
            self.found.units.append(_UNITS[name])
        if name == "set_max_nreg" and int(call.args[1]):
            self.found.raised = max(self.found.raised, int(call.args[0]))
        elif name == "reduce":
            self._reduce(call)
        elif name.endswith("gemm"):
            self._product(name, call)

    def _reduce(self, call: Any) -> None:
        source, target = tir.region_of(call.args[0]), tir.region_of(call.args[1])
        if source is not None and target is not None:
            rows = target.elements
            names = (self._name(source), self._name(target))
            self.found.reductions.append(Reduction(*names, rows, source.elements // max(rows, 1), self._place))

    def _product(self, name: str, call: Any) -> None:
        regions = [tir.region_of(each) for each in call.args[:3]]
        if all(region is not None for region in regions):
            left, _, result = regions
            m, n = result.extents[-2:]
            names = (name, *map(self._name, regions))
            self.found.products.append(Product(*names, m, n, left.elements // m, self._place))

    def _name(self, region: tir.Region) -> str:
        return self._names.get(region.buffer.data, region.buffer.name)


def _leaves(node: Any) -> Iterator[Any]:
    """Statements without loops and branches around them, in order; a parallel loop is one, a branch comes by itself
    before what is in it."""
    kind = type(node).__name__
    if kind == "SeqStmt":
        for each in node.seq:
            yield from _leaves(each)
    elif kind == "IfThenElse":
        yield node
        yield from _leaves(node.then_case)
        if node.else_case is not None:
            yield from _leaves(node.else_case)
    elif (kind == "For" and int(node.kind) != 1) or kind in ("AttrStmt", "SBlock"):
        yield from _leaves(node.body)
    elif kind == "SBlockRealize":
        yield from _leaves(node.block)
    else:
        yield node
