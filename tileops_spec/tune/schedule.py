"""What each block of a kernel does, for given extents: the loops and branches of its TIR as a small Python program.

The program keeps what decides how much is done and where: the grid, the loops, the scalars, the places of global
memory. Loops whose every turn does as much are taken once and counted. Runs in a child, where TileLang is; the text
is made of integers, names of our own and operators, whatever the body says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import tir

Event = dict[str, Any]
Record = tuple
"""(event, times, *places of its first element): what a block does in one step."""
_OPERATIONS = frozenset(
    {"Add", "Sub", "Mul", "Div", "Max", "Min", "Cast", "Select", "LT", "LE", "GT", "GE", "FloorDiv", "FloorMod"}
)
_CALL_COST = 4
"""An exponential, a root or the like takes as many issue slots as this many additions (a quarter of the rate)."""


@dataclass(slots=True)
class Program:
    """`grid(**dims)` gives the extents of the grid; `block(bx, by, bz, **dims)` its steps, each a list of records."""

    events: list[Event] = field(default_factory=list)
    grid: Callable[..., tuple[int, ...]] = lambda **dims: (1, 1, 1)
    block: Callable[..., list[list[Record]]] = lambda *place, **dims: []


def program_of(function: Any, threads: int) -> Program:
    """The program of a PrimFunc with one kernel, of `threads` a block."""
    writer = _Writer(function, threads)
    return writer.program()


class _Writer:
    def __init__(self, function: Any, threads: int) -> None:
        self.events: list[Event] = []
        self._function = function
        self._all_threads = threads
        self._names: dict[Any, str] = {}
        self._binds: dict[Any, Any] = {}
        self._threads: list[Any] = []
        self._counted: set[Any] = set()
        self._lines: list[str] = []
        self._grid = ["1", "1", "1"]
        self._dims = [each.name for each in self._free()]
        self._needed = self._find_needed()

    def program(self) -> Program:
        self._statement(self._function.body, _Place(threads=self._all_threads))
        given = ", ".join(["bx", "by", "bz", *(f"d_{name}" for name in self._dims)])
        head = [f"def block({given}):", *_PRELUDE, *self._lines, "    return steps"]
        dims = ", ".join(f"d_{name}" for name in self._dims)
        space: dict[str, Any] = {"__builtins__": {"min": min, "max": max, "len": len}}
        exec("\n".join([*head, f"def grid({dims}):", f"    return ({', '.join(self._grid)},)"]), space)
        names = self._dims
        return Program(
            self.events,
            lambda **dims: space["grid"](*(dims[name] for name in names)),
            lambda *place, **dims: space["block"](*place, *(dims[name] for name in names)),
        )

    def _free(self) -> list[Any]:
        """The dynamic extents: variables in the shapes of the parameters."""
        found: dict[str, Any] = {}
        for param in self._function.params:
            buffer = self._function.buffer_map.get(param)
            for extent in buffer.shape if buffer is not None else ():
                if type(extent).__name__ == "Var":
                    found[extent.name] = extent
                    self._names[extent] = f"d_{extent.name}"
        return list(found.values())

    # which loops must be run

    def _find_needed(self) -> set[Any]:
        """Loop variables that change how much an inner loop does, or which part of a tensor is met, in more than
        steps of one size."""
        loops, roots = set(), []
        for node in tir.walk(self._function.body):
            kind = type(node).__name__
            if kind == "Bind":
                self._binds[node.var] = node.value
                if tir.is_thread_index(node.value):
                    self._threads.append(node.var)
            elif kind == "For" and int(node.kind) != 1 and node.thread_binding is None:
                loops.add(node.loop_var)
                roots.append((node.extent, True))
            elif kind == "Call" and (region := tir.region_of(node)) is not None and region.is_global:
                roots += [(start, False) for start in region.starts]
        found: set[Any] = set()
        for expr, strict in roots:
            self._reach(expr, strict, found, set())
        return found & loops

    def _reach(self, expr: Any, strict: bool, found: set[Any], seen: set[Any]) -> None:
        strict = strict or tir.folds(expr)
        for variable in tir.variables(expr):
            if strict:
                found.add(variable)
            if variable in self._binds and (variable, strict) not in seen:
                seen.add((variable, strict))
                self._reach(self._binds[variable], strict, found, seen)

    # statements

    def _statement(self, node: Any, at: _Place) -> None:
        rule = _RULES.get(type(node).__name__)
        if rule is not None:
            rule(self, node, at)

    def _sequence(self, node: Any, at: _Place) -> None:
        for each in node.seq:
            self._statement(each, at)

    def _body(self, node: Any, at: _Place) -> None:
        self._statement(node.block if type(node).__name__ == "SBlockRealize" else node.body, at)

    def _bind(self, node: Any, at: _Place) -> None:
        self._assign(node.var, node.value, at)

    def _assign(self, variable: Any, value: Any, at: _Place) -> None:
        try:
            text = tir.python_of(value, self._name)
        except tir.UnknownValue:
            self._names.pop(variable, None)
            return
        if not any(each in self._counted for each in tir.variables(value)):
            self._counted.discard(variable)
        else:
            self._counted.add(variable)
        self._say(at, f"{self._named(variable)} = {text}")

    def _name(self, variable: Any) -> str | None:
        return self._names.get(variable)

    def _named(self, variable: Any) -> str:
        return self._names.setdefault(variable, f"v{len(self._names)}")

    def _say(self, at: _Place, line: str) -> None:
        self._lines.append("    " * at.depth + line)

    def _loop(self, node: Any, at: _Place) -> None:
        if node.thread_binding is not None:
            self._launch(node, at)
        elif int(node.kind) == 1:
            self._parallel(node, at)
        elif node.loop_var in self._needed:
            self._turns(node, at)
        else:
            self._once(node, at)

    def _launch(self, node: Any, at: _Place) -> None:
        tag = str(node.thread_binding.thread_tag)
        if tag.startswith("blockIdx."):
            place = "xyz".index(tag[-1])
            self._grid[place] = tir.python_of(node.extent, self._name)
            self._names[node.loop_var] = f"b{tag[-1]}"
        self._statement(node.body, at)

    def _turns(self, node: Any, at: _Place) -> None:
        """Every turn of a loop; the turns of the outermost such loop are the steps of the block."""
        start, extent = (self._value(each, default) for each, default in ((node.min, "0"), (node.extent, "1")))
        turn = f"t{len(self._lines)}"
        self._say(at, f"{turn} = 0")
        self._say(at, f"while {turn} < {extent}:")
        inside = at.deeper(step=at.step if at.step != "0" else turn, stages=_stages(node, at))
        self._say(inside, f"{self._named(node.loop_var)} = {start} + {turn}")
        self._statement(node.body, inside)
        self._say(inside, f"{turn} += 1")

    def _once(self, node: Any, at: _Place) -> None:
        """One turn, with all that is in it counted as often as there are turns."""
        times = f"n{len(self._lines)}"
        self._say(at, f"{times} = {at.times} * max(0, {self._value(node.extent, '1')})")
        self._say(at, f"if {times}:")
        inside = at.deeper(times=times, stages=_stages(node, at))
        self._counted.add(node.loop_var)
        self._say(inside, f"{self._named(node.loop_var)} = {self._value(node.min, '0')}")
        self._statement(node.body, inside)

    def _value(self, expr: Any, default: str) -> str:
        try:
            return tir.python_of(expr, self._name)
        except tir.UnknownValue:
            return default

    def _branch(self, node: Any, at: _Place) -> None:
        ways = [(node.then_case, False), (node.else_case, True)]
        if any(variable in self._threads for variable in tir.variables(node.condition)):
            for body, other in ways:
                threads = self._sharing(node.condition, other, at)
                self._way(body, at.within(threads=threads, role=f"{at.role}{'b' if other else 'a'}"))
            return
        text = self._known(node.condition)
        for body, other in ways:
            if body is None:
                continue
            if text is None:  # it hangs on data, or on the turn of a loop that is counted: as often as not
                times = f"n{len(self._lines)}"
                self._say(at, f"{times} = {at.times} * 0.5")
                self._way(body, at.within(times=times))
            else:
                self._say(at, f"if {'not ' if other else ''}{text}:")
                self._say(at.deeper(), "pass")
                self._way(body, at.deeper())

    def _way(self, body: Any, at: _Place) -> None:
        if body is not None:
            self._statement(body, at)

    def _known(self, condition: Any) -> str | None:
        if any(variable in self._counted for variable in tir.variables(condition)):
            return None
        try:
            return tir.python_of(condition, self._name)
        except tir.UnknownValue:
            return None

    def _sharing(self, condition: Any, other: bool, at: _Place) -> int:
        """How many threads take a branch that hangs on the thread's index."""
        name = lambda variable: "t" if variable in self._threads else None  # noqa: E731
        try:
            takes = eval(f"lambda t: {tir.python_of(condition, name)}", {"__builtins__": {"min": min, "max": max}})
        except tir.UnknownValue:
            return at.threads
        return sum(bool(takes(thread)) != other for thread in range(self._all_threads))

    def _store(self, node: Any, at: _Place) -> None:
        if node.buffer.scope() in tir.SCALARS:
            self._assign(node.buffer.data, node.value, at)

    # events

    def _event(self, at: _Place, event: Event, starts: tuple[Any, ...] = ()) -> None:
        self.events.append({**event, "role": at.role, "threads": at.threads})
        places = "".join(f", {self._value(start, '0')}" for start in starts)
        self._say(at, f"at({at.step}).append(({len(self.events) - 1}, {at.times}{places}))")

    def _call(self, node: Any, at: _Place) -> None:
        call = node.value
        name = tir.call_name(call) if type(call).__name__ == "Call" else ""
        if name in ("copy", "tma_copy", "async_copy"):
            self._copy(call, at)
        elif name.endswith("gemm"):
            self._product(call, at)
        elif name in ("reduce", "fill"):
            region = tir.region_of(call.args[0])
            elements = region.elements if region is not None else 0
            self._event(at, {"kind": "vector", "operations": elements, "reduces": name == "reduce"})
        elif "wait" in name or "sync" in name:
            self._event(at, {"kind": "wait"})

    def _copy(self, call: Any, at: _Place) -> None:
        source, target = tir.region_of(call.args[0]), tir.region_of(call.args[1])
        if source is None or target is None:
            return
        if source.is_global:
            depth = max(at.stages, target.versions)
            shared = target.scope.startswith("shared")
            self._moves(source, "load", at, depth=depth if shared else 1, bulk=shared)
        elif target.is_global:
            self._moves(target, "store", at, depth=1, bulk=source.scope.startswith("shared"))
        else:
            self._event(at, {"kind": "onchip", "bytes": source.bytes})

    def _moves(self, region: tir.Region, kind: str, at: _Place, *, depth: int, bulk: bool) -> None:
        tile = {"asked": list(region.asked), "whole": tir.shape_of(region.buffer), "bits": tir.bits(region.buffer)}
        event = {"kind": kind, "tensor": region.buffer.name, "bytes": region.bytes, "depth": depth, "bulk": bulk}
        self._event(at, {**event, **tile}, region.starts)

    def _product(self, call: Any, at: _Place) -> None:
        left, right, result = (tir.region_of(each) for each in call.args[:3])
        if left is None or right is None or result is None:
            return
        m, n = result.extents[-2:]
        size = {"m": m, "n": n, "k": left.elements // m}
        shared = left.scope.startswith("shared")
        self._event(at, {"kind": "product", **size, "bits": tir.bits(left.buffer), "left_shared": shared})

    def _parallel(self, node: Any, at: _Place) -> None:
        """Elements one by one, shared out among the threads."""
        extents, body = {node.loop_var: _constant(node.extent)}, node.body
        while type(body).__name__ == "For" and int(body.kind) == 1:
            extents[body.loop_var], body = _constant(body.extent), body.body
        elements = math.prod(extents.values())
        operations = sum(map(_cost, tir.walk(body)))
        self._event(at, {"kind": "vector", "operations": elements * operations, "reduces": False})
        for variable in extents:
            self._names[variable] = "0"
        for kind, access in _accesses(body):
            along = _along(access, extents)
            whole = tir.shape_of(access.buffer)
            size = math.prod(map(_within, along, whole)) * tir.bits(access.buffer) // 8
            event = {"kind": kind, "tensor": access.buffer.name, "bytes": size, "depth": 1, "bulk": False}
            tile = {"asked": along, "whole": whole, "bits": tir.bits(access.buffer)}
            self._event(at, {**event, **tile}, tuple(access.indices))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the text stands: how deep, in which step, how often, in whose branch, under how many stages."""

    threads: int
    depth: int = 1
    step: str = "0"
    times: str = "1"
    role: str = ""
    stages: int = 1

    def deeper(self, **changes: Any) -> _Place:
        return self.within(depth=self.depth + 1, **changes)

    def within(self, **changes: Any) -> _Place:
        from dataclasses import replace

        return replace(self, **changes)


_PRELUDE = (
    "    steps = []",
    "    def at(place):",
    "        while len(steps) <= place:",
    "            steps.append([])",
    "        return steps[place]",
)
_RULES: Mapping[str, Callable[[Any, Any, _Place], None]] = {
    "SeqStmt": _Writer._sequence,
    "SBlockRealize": _Writer._body,
    "SBlock": _Writer._body,
    "AttrStmt": _Writer._body,
    "For": _Writer._loop,
    "IfThenElse": _Writer._branch,
    "Bind": _Writer._bind,
    "BufferStore": _Writer._store,
    "Evaluate": _Writer._call,
}


def _stages(loop: Any, at: _Place) -> int:
    return max(at.stages, int(dict(loop.annotations).get("num_stages", 1)))


def _constant(extent: Any) -> int:
    return int(extent) if type(extent).__name__ == "IntImm" else 1


def _cost(node: Any) -> int:
    kind = type(node).__name__
    if kind in _OPERATIONS:
        return 1
    return _CALL_COST if kind == "Call" and tir.call_name(node) not in ("if_then_else", "region") else 0


def _accesses(body: Any) -> Iterator[tuple[str, Any]]:
    """Loads and stores of global tensors, each place once."""
    seen = set()
    for node in tir.walk(body):
        kind = {"BufferLoad": "load", "BufferStore": "store"}.get(type(node).__name__)
        if kind and node.buffer.scope() in ("", "global"):
            key = (kind, node.buffer.name, str(node.indices))
            if key not in seen:
                seen.add(key)
                yield kind, node


def _along(access: Any, extents: Mapping[Any, int]) -> list[int]:
    """Elements of a tensor that a parallel loop meets along each axis, were the axis long enough."""
    return [math.prod(extents.get(each, 1) for each in set(tir.variables(index))) for index in access.indices]


def _within(along: int, whole: int | str) -> int:
    return min(along, whole) if isinstance(whole, int) else along
