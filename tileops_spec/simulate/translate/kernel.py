"""A whole PrimFunc: parameters, dynamic extents, launches and the entry point."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Unsupported
from .buffers import Buffers, Storage
from .expressions import emit, float_literal
from .names import cpp_type, tag
from .scope import Scope
from .sites import Site
from .statements import THREAD_BINDING, translate_statement
from .threads import plan_threads
from .walk import call_name

DEFAULT_THREADS = 128
MOST_THREADS = 1024
MOST_QUEUES, MOST_BARRIERS = 32, 1024
"""The sizes of the runtime's tables."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A tensor, whose extents are constants or expressions of dynamic variables, or a scalar (shape None)."""

    name: str
    dtype: str
    shape: tuple | None


@dataclass(frozen=True, slots=True)
class Translation:
    """C++ and what it takes to run it and to read its findings."""

    source: str
    parameters: tuple[Parameter, ...]
    dynamic: tuple  # TIR variables, in the order in which the entry point takes their values
    sites: tuple[Site, ...]
    barriers: tuple[str, ...]


def translate_function(func) -> Translation:
    """Translate a PrimFunc that TileLang has not lowered. Raises Unsupported, with the line where one is known."""
    scope = Scope(func)
    try:
        return _translate(func, scope)
    except Unsupported as refusal:
        if refusal.line is not None or scope.line is None:
            raise
        raise Unsupported(refusal.reason, scope.line) from None


def _translate(func, scope: Scope) -> Translation:
    scope.buffers = Buffers()
    parameters = _parameters(func, scope)
    dynamic = _dynamic_variables(func, scope)
    launches: list[str] = []
    functions: list[str] = []
    for nest in _launches(func.body, scope):
        _translate_launch(nest, scope, functions, launches)
    source = _program(scope, parameters, dynamic, functions, launches)
    described = tuple(p for p, _ in parameters)
    return Translation(source, described, tuple(dynamic), tuple(scope.sites), tuple(scope.buffers.barriers))


def _parameters(func, scope: Scope) -> list[tuple[Parameter, Storage | str]]:
    out: list[tuple[Parameter, Storage | str]] = []
    for param in func.params:
        if param in func.buffer_map:
            buffer = func.buffer_map[param]
            _require_contiguous(buffer)
            cpp_type(buffer.dtype)
            storage = scope.buffers.add_global(buffer, scope)
            out.append((Parameter(buffer.name, str(buffer.dtype), tuple(buffer.shape)), storage))
        elif str(param.dtype) == "handle":
            raise Unsupported(f"parameter {param.name}: a pointer without a shape")
        else:
            out.append((Parameter(param.name, str(param.dtype), None), scope.declare(param)))
    return out


def _require_contiguous(buffer) -> None:
    expected = 1
    from tvm import arith

    analyzer = arith.Analyzer()
    for extent, stride in reversed(list(zip(buffer.shape, buffer.strides, strict=False))):
        if not analyzer.can_prove_equal(stride, expected):
            raise Unsupported(f"parameter {buffer.name} with strides {tuple(buffer.strides)}")
        expected = extent * expected
    if not analyzer.can_prove_equal(buffer.elem_offset, 0):
        raise Unsupported(f"parameter {buffer.name} with an element offset")


def _dynamic_variables(func, scope: Scope) -> list:
    """The variables that stand alone as an extent of some tensor."""
    found: list = []
    for buffer in func.buffer_map.values():
        for extent in buffer.shape:
            if type(extent).__name__ in ("Var", "SizeVar") and extent not in scope.variables:
                scope.declare(extent, (0, float("inf")))
                found.append(extent)
    return found


def _launches(stmt, scope: Scope) -> list:
    """The kernels of a PrimFunc, in order. Each starts with the binding of a block index, or without a grid."""
    name = type(stmt).__name__
    if name == "SBlockRealize" and stmt.block.name_hint != "tilelang_root":
        for buffer in stmt.block.alloc_buffers:
            scope.buffers.add_workspace(buffer, scope)
        return _launches(stmt.block.body, scope)
    if name == "AllocBuffer":
        scope.buffers.add_workspace(stmt.buffer, scope)
        return [] if getattr(stmt, "body", None) is None else _launches(stmt.body, scope)
    if name == "SeqStmt" and not _binds_threads(stmt):
        return [nest for child in stmt.seq for nest in _launches(child, scope)]
    if name == "For" and int(stmt.kind) == THREAD_BINDING:
        return [stmt]
    raise Unsupported(f"{name} outside of T.Kernel", scope.line)


def _binds_threads(stmt) -> bool:
    return any(type(s).__name__ == "Bind" and call_name(s.value) == "launch_thread_idx" for s in stmt.seq)


def _translate_launch(nest, scope: Scope, functions: list[str], launches: list[str]) -> None:
    scope.lines.enter(nest)
    number = len(functions)
    grid = {"blockIdx.x": "1", "blockIdx.y": "1", "blockIdx.z": "1"}
    indices: dict[str, str] = {}
    body = nest
    while type(body).__name__ == "For" and int(body.kind) == THREAD_BINDING:
        axis = str(body.thread_binding.thread_tag)
        grid[axis] = emit(body.extent, scope)
        _, high = scope.interval(body.extent)
        indices[scope.declare(body.loop_var, (0, high - 1))] = f"BLOCK[{'xyz'.index(axis[-1])}]"
        body = body.body
    scope.plan = plan_threads(body, _threads(body))
    if scope.plan.threads > MOST_THREADS:
        raise Unsupported(
            f"a block of {scope.plan.threads} threads: at most {MOST_THREADS} can be launched", scope.line
        )
    if len(scope.plan.issuers) > MOST_QUEUES:
        raise Unsupported(f"wgmma issued by more than {MOST_QUEUES} groups of threads", scope.line)
    scope.mask = scope.plan.everyone
    first_chip = len(scope.buffers.chips)
    for name, value in indices.items():
        scope.emit(f"const i32 {name} = {value};")
    translate_statement(body, scope)
    if len(scope.buffers.barriers) > MOST_BARRIERS:
        raise Unsupported(f"more than {MOST_BARRIERS} barriers", scope.line)
    functions.append(f"static void body_{number}(i32 fiber) {{\n" + "\n".join(scope.text) + "\n}\n")
    scope.text = []
    launches.append(_launch(number, grid, scope, scope.buffers.chips[first_chip:]))


def _threads(body) -> tuple[int, int, int]:
    """The extents of the thread block, from the annotation of the kernel's root block."""
    block = body
    while type(block).__name__ != "SBlock":
        block = block.seq[-1] if type(block).__name__ == "SeqStmt" else getattr(block, "block", None) or block.body
    extents = dict(block.annotations or {}).get("tl.launch_threads")
    if extents is None:
        return (DEFAULT_THREADS, 1, 1)
    values = [int(e) for e in extents]
    return tuple(values + [1] * (3 - len(values)))


def _launch(number: int, grid: dict[str, str], scope: Scope, chips: list[Storage]) -> str:
    extents = ", ".join(grid[f"blockIdx.{axis}"] for axis in "xyz")
    plan, barriers = scope.plan, scope.buffers.arrivals
    table = ", ".join(f"Chip{{{'' if c.copies > 1 else '&'}{c.cpp}, {c.copies}}}" for c in chips) or "Chip{nullptr, 0}"
    arrivals = ", ".join(map(str, barriers)) or "0"
    return (
        f"    {{\n        static const i32 arrivals[] = {{{arrivals}}};\n"
        f"        Chip chips[] = {{{table}}};\n"
        f"        Launch l = {{{{{extents}}}, {plan.fibers}, {plan.width}, SITES, {len(barriers)}, arrivals, "
        f"body_{number}}};\n        launch(l, chips, {len(chips)});\n    }}\n"
    )


def _program(scope: Scope, parameters: list, dynamic: list, functions: list[str], launches: list[str]) -> str:
    declarations = [f"static i64 {scope.variables[var]};" for var in dynamic]
    setup = [f"    {scope.variables[var]} = dims[{i}];" for i, var in enumerate(dynamic)]
    teardown: list[str] = []
    for i, (parameter, target) in enumerate(parameters):
        _declare_parameter(i, parameter, target, scope, declarations, setup, teardown)
    for workspace in scope.buffers.workspaces:
        _declare_workspace(workspace, scope, declarations, setup, teardown)
    for chip in scope.buffers.chips:
        _declare_chip(chip, scope, declarations, setup, teardown)
    return "\n".join(
        [
            '#include "kernel.h"',
            f"enum {{ SITES = {max(1, len(scope.sites))} }};",
            *declarations,
            *functions,
            'extern "C" void tospec_run(void** params, const i64* dims, const Options* options, Record* records) {',
            "    begin(*options, records);",
            *setup,
            _between(scope).join(launches).rstrip("\n"),
            *teardown,
            "}\n",
        ]
    )


def _declare_parameter(i, parameter, target, scope, declarations, setup, teardown) -> None:
    kind = cpp_type(parameter.dtype)
    if isinstance(target, str):
        declarations.append(f"static {kind} {target};")
        setup.append(f"    {target} = *({'u8' if kind == 'bool' else kind}*)params[{i}];")
        return
    declarations.append(f"static Buf {target.cpp};")
    shape = ", ".join(emit(extent, scope) for extent in target.buffer.shape) or "1"
    safe = float_literal(scope.safe_values.get(target.buffer.data, 0.0), "double")
    written = "true" if target.written else "false"
    setup.append(
        f"    {{ i64 shape[] = {{{shape}}}; make_global({target.cpp}, {tag(kind)}, params[{i}], "
        f"{len(parameter.shape)}, shape, {written}, {safe}); }}"
    )
    _declare_views(target, scope, declarations, setup)
    if target.written:
        site = scope.site("output", parameter.name, str(tuple(parameter.shape)))
        teardown.append(f"    finish_global({target.cpp}, {site});")


def _between(scope: Scope) -> str:
    """What a launch wrote is no race for the next."""
    return "".join(f"    next_launch({s.cpp});\n" for s in scope.buffers.written_globals())


def _declare_workspace(workspace: Storage, scope, declarations, setup, teardown) -> None:
    dtype = tag(cpp_type(workspace.buffer.dtype))
    shape = ", ".join(emit(extent, scope) for extent in workspace.buffer.shape) or "1"
    rank = len(workspace.buffer.shape)
    declarations.append(f"static Buf {workspace.cpp};")
    setup.append(f"    {{ i64 shape[] = {{{shape}}}; make_workspace({workspace.cpp}, {dtype}, {rank}, shape); }}")
    _declare_views(workspace, scope, declarations, setup)
    teardown.append(f"    free_workspace({workspace.cpp});")


def _declare_chip(chip: Storage, scope, declarations, setup, teardown) -> None:
    kind = cpp_type(chip.buffer.dtype)
    shape = ", ".join(emit(extent, scope) for extent in chip.buffer.shape) or "1"
    rank = len(chip.buffer.shape)
    many = chip.copies > 1
    declarations.append(f"static Buf {chip.cpp}{f'[{chip.copies}]' if many else ''};")
    each = f"for (i32 c = 0; c < {chip.copies}; c++) " if many else ""
    one = f"{chip.cpp}[c]" if many else chip.cpp
    setup.append(f"    {{ i64 shape[] = {{{shape}}}; {each}make_chip({one}, {tag(kind)}, {rank}, shape); }}")
    teardown.append(f"    {each}free_chip({one});")
    _declare_views(chip, scope, declarations, setup)


def _declare_views(storage: Storage, scope, declarations, setup) -> None:
    many = storage.copies > 1
    each = f"for (i32 c = 0; c < {storage.copies}; c++) " if many else ""
    suffix = "[c]" if many else ""
    for buffer, name in storage.views:
        declarations.append(f"static Buf {name}{f'[{storage.copies}]' if many else ''};")
        shape = ", ".join(emit(extent, scope) for extent in buffer.shape) or "1"
        dtype = tag(cpp_type(buffer.dtype))
        setup.append(
            f"    {{ i64 shape[] = {{{shape}}}; {each}alias({name}{suffix}, {dtype}, {len(buffer.shape)}, shape, "
            f"{storage.cpp}{suffix}); }}"
        )
