"""Buffers: their descriptors in the C++ program, and loads and stores through them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Unsupported
from .walk import is_chip

PRIVATE = ("local", "local.var")


@dataclass(slots=True)
class Storage:
    """One allocation: the tensor of a parameter, or an on-chip buffer."""

    name: str
    scope: str
    buffer: object
    cpp: str
    copies: int = 1
    parts: dict[int, int] = field(default_factory=dict)  # mask of threads → copy, for fragments of disjoint threads
    written: bool = False
    views: list[tuple[object, str]] = field(default_factory=list)


class Buffers:
    """All buffers of a PrimFunc."""

    def __init__(self) -> None:
        self._storages: dict = {}
        self.chips: list[Storage] = []
        self.workspaces: list[Storage] = []
        self.barriers: list[str] = []
        self.arrivals: list[int] = []
        self._barrier_base: dict = {}

    def add_global(self, buffer, scope) -> Storage:
        storage = Storage(buffer.name, "global", buffer, scope.names.fresh(buffer.name))
        self._storages[buffer.data] = storage
        return storage

    def add_workspace(self, buffer, scope) -> None:
        """A buffer that the PrimFunc allocates in global memory, outside of its kernels."""
        storage = self.add_global(buffer, scope)
        storage.written = True
        self.workspaces.append(storage)

    def add_chip(self, buffer, scope) -> None:
        """An on-chip buffer; its extents must be constants."""
        if buffer.scope() in ("shared.barrier", "shared.cluster_barrier"):
            return self._add_barrier(buffer)
        if not is_chip(buffer):
            raise Unsupported(f"buffer {buffer.name} allocated in global memory by the kernel", scope.line)
        if buffer.scope() not in ("shared", "shared.dyn", "local", "local.var", "local.fragment", "local.reducer"):
            raise Unsupported(f"buffer {buffer.name} in scope {buffer.scope()}", scope.line)
        static_shape(buffer, scope.line)
        kept = "local" if buffer.data in scope.plan.private else buffer.scope()
        storage = Storage(buffer.name, kept, buffer, scope.names.fresh(buffer.name))
        self._allot(storage, scope)
        self._storages[buffer.data] = storage
        self.chips.append(storage)

    def _allot(self, storage: Storage, scope) -> None:
        """Threads have their own local buffers; disjoint groups of threads have their own fragments."""
        if storage.scope in PRIVATE:
            storage.copies = scope.plan.fibers
        elif storage.scope in ("local.fragment", "local.reducer") and scope.plan.fibers > 1:
            storage.parts = _disjoint(scope.plan.uses.get(storage.buffer.data, set()), storage.name)
            storage.copies = max(1, len(set(storage.parts.values())))

    def _add_barrier(self, buffer) -> None:
        n = static_shape(buffer, None)[0]
        self._barrier_base[buffer.data] = (len(self.barriers), n)
        self.barriers += [f"{buffer.name}[{i}]" for i in range(n)]
        self.arrivals += [0] * n

    def set_arrivals(self, data, counts: list[int]) -> None:
        base, n = self._barrier_base[data]
        self.arrivals[base : base + n] = counts

    def barrier(self, load, scope, emit) -> str:
        """The number of an mbarrier as C++ text."""
        if type(load).__name__ != "BufferLoad" or load.buffer.data not in self._barrier_base:
            raise Unsupported("a barrier that T.alloc_barrier did not make", scope.line)
        base, n = self._barrier_base[load.buffer.data]
        site = scope.site("barrier", load.buffer.name, f"({n},)")
        return f"barrier_at({base}, {n}, {emit(load.indices[0], scope)}, {site})"

    def storage(self, buffer, scope) -> Storage:
        if buffer.data not in self._storages:
            raise Unsupported(f"buffer {buffer.name} of unknown origin", scope.line)
        return self._storages[buffer.data]

    def reference(self, buffer, scope) -> str:
        """The C++ descriptor of a buffer, for the threads that run this code."""
        storage = self.storage(buffer, scope)
        name = storage.cpp if _same(buffer, storage.buffer) else self._view(buffer, storage, scope)
        if storage.copies == 1:
            return name
        if storage.scope in PRIVATE:
            return f"{name}[{scope.fiber}]"
        return f"{name}[{storage.parts[scope.mask]}]"

    def _view(self, buffer, storage: Storage, scope) -> str:
        for known, name in storage.views:
            if _same(known, buffer):
                return name
        if _bits(buffer) != _bits(storage.buffer):
            raise Unsupported(f"view of {storage.name} as {buffer.dtype}: elements of another width", scope.line)
        name = scope.names.fresh(f"{storage.name}_view")
        storage.views.append((buffer, name))
        return name

    def load(self, expr, scope, emit) -> str:
        buffer = expr.buffer
        kind = scope.type_of(buffer.dtype)
        site = scope.site("load", buffer.name, str(tuple(buffer.shape)))
        ref = self.reference(buffer, scope)
        scope.loads += 1
        if not is_chip(self.storage(buffer, scope).buffer):
            return f"gld<{kind}>({ref}, {site}, {_joined(expr.indices, scope, emit)})"
        flat = self._flat(buffer, expr.indices, scope, emit)
        if flat is not None:
            return f"ld<{kind}>({ref}, {flat}, {site})"
        return f"ldc<{kind}>({ref}, {site}, {_joined(expr.indices, scope, emit)})"

    def store(self, buffer, indices, value: str, scope, emit) -> str:
        """The C++ statement that stores; TAINT must hold the taint of the value."""
        kind = scope.type_of(buffer.dtype)
        site = scope.site("store", buffer.name, str(tuple(buffer.shape)))
        ref = self.reference(buffer, scope)
        storage = self.storage(buffer, scope)
        storage.written = True
        if not is_chip(storage.buffer):
            return f"gst<{kind}>({ref}, {site}, {value}, {_joined(indices, scope, emit)});"
        flat = self._flat(buffer, indices, scope, emit)
        if flat is not None:
            return f"st<{kind}>({ref}, {flat}, {value});"
        return f"stc<{kind}>({ref}, {site}, {value}, {_joined(indices, scope, emit)});"

    def store_at(self, buffer, indices: list[str], value: str, scope) -> str:
        """A store at indices that are C++ variables: always checked."""
        kind = scope.type_of(buffer.dtype)
        site = scope.site("store", buffer.name, str(tuple(buffer.shape)))
        storage = self.storage(buffer, scope)
        storage.written = True
        function = "stc" if is_chip(storage.buffer) else "gst"
        return f"{function}<{kind}>({self.reference(buffer, scope)}, {site}, {value}, {', '.join(indices)});"

    def _flat(self, buffer, indices, scope, emit) -> str | None:
        """The flat index where all indices are proven to be in range."""
        text = ""
        for index, extent in zip(indices, static_shape(buffer, scope.line), strict=True):
            if type(index).__name__ == "Ramp":
                return None
            low, high = scope.interval(index)
            if low < 0 or high >= extent:
                return None
            text = f"({text}) * {extent} + {emit(index, scope)}" if text else emit(index, scope)
        return text

    def atomic(self, call, scope, emit) -> str:
        """An atomic update of one element, as an expression that gives the value before."""
        target = call.args[0].args[0]
        name = call.op.name.rsplit(".", 1)[-1]
        operation = name.split("_")[1].upper()
        buffer = target.buffer
        kind = scope.type_of(buffer.dtype)
        self.storage(buffer, scope).written = True
        site = scope.site("atomic", buffer.name, str(tuple(buffer.shape)))
        indices = _joined(target.indices, scope, emit)
        scope.loads += 1
        ref = self.reference(buffer, scope)
        if operation == "LOAD":
            return f"atomic_load<{kind}>({ref}, {site}, {indices})"
        if operation == "STORE":
            operation = "EXCHANGE"
        if operation not in ("ADD", "MAX", "MIN", "OR", "EXCHANGE"):
            raise Unsupported(f"{name}", scope.line)
        value = f"cvt<{kind}>({emit(call.args[1], scope)})"
        return f"atomic<{kind}>({operation}, {ref}, {site}, {value}, {indices})"

    def written_globals(self) -> list[Storage]:
        return [s for s in self._storages.values() if s.scope == "global" and s.written]


def static_shape(buffer, line: int | None) -> list[int]:
    """The extents of an on-chip buffer. Raises Unsupported where one is not a constant."""
    if any(type(extent).__name__ != "IntImm" for extent in buffer.shape):
        raise Unsupported(f"buffer {buffer.name} with the shape {tuple(buffer.shape)} that is not constant", line)
    return [int(extent.value) for extent in buffer.shape]


def _joined(indices, scope, emit) -> str:
    return ", ".join(emit(index, scope) for index in indices)


def _same(a, b) -> bool:
    if a.same_as(b):
        return True
    if str(a.dtype) != str(b.dtype) or len(a.shape) != len(b.shape):
        return False
    return all(str(x) == str(y) for x, y in zip(a.shape, b.shape, strict=True))


def _bits(buffer) -> int:
    from tvm_ffi import dtype

    return dtype(str(buffer.dtype)).bits if str(buffer.dtype) != "bool" else 8


def _disjoint(masks: set, name: str) -> dict[int, int]:
    """Gives overlapping masks one copy. Masks that overlap a third but not each other are refused."""
    if None in masks:
        return dict.fromkeys(masks, 0)
    groups: list[list[int]] = []
    for mask in sorted(masks, key=lambda m: -m.bit_count()):
        joined = [g for g in groups if any(mask & other for other in g)]
        groups = [g for g in groups if g not in joined] + [[*(m for g in joined for m in g), mask]]
    for group in groups:
        if any(not a & b for a in group for b in group):
            raise Unsupported(f"fragment {name} used by all threads and by disjoint groups of threads")
    return {mask: n for n, group in enumerate(groups) for mask in group}
