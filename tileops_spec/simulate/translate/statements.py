"""Statements of TIR as C++ statements."""

from __future__ import annotations

from ..errors import Unsupported
from .buffers import PRIVATE
from .expressions import emit
from .meetings import collective, soft_sync
from .names import cpp_type
from .reducers import declare_reducers, emit_update, unfinished
from .synchronization import NO_OPERATION, SYNCHRONIZATION
from .threads import thread_axis
from .tiles import emit_tile_operator
from .walk import call_name, children, is_chip, statement_parts

PARALLEL, THREAD_BINDING = 1, 4


def translate_statement(stmt, scope) -> None:
    """Append the C++ text of a statement to the scope."""
    before = scope.lines.enter(stmt)
    rule = _RULES.get(type(stmt).__name__)
    if rule is None:
        raise Unsupported(f"statement {type(stmt).__name__}", scope.line)
    rule(stmt, scope)
    if type(stmt).__name__ != "SeqStmt":
        scope.lines.current = before if before is not None else scope.lines.current


def _sequence(stmt, scope) -> None:
    for child in stmt.seq:
        translate_statement(child, scope)


def _block_realize(stmt, scope) -> None:
    translate_statement(stmt.block, scope)


def _block(stmt, scope) -> None:
    for buffer in stmt.alloc_buffers:
        scope.buffers.add_chip(buffer, scope)
    if stmt.match_buffers:
        raise Unsupported("match_buffer inside a kernel", scope.line)
    for key, value in dict(stmt.annotations or {}).items():
        if key == "barrier_init":
            for data, counts in value.items():
                scope.buffers.set_arrivals(data, [int(c) for c in counts])
        elif key == "safe_value_map":
            scope.safe_values.update({data: float(v.value) for data, v in value.items()})
        elif key in ("reducer_info", "reducer_info_v2"):
            declare_reducers(value, scope)
        elif key == "ws_schedule":
            raise Unsupported(f"block annotation {key}", scope.line)
    if stmt.init is not None:
        raise Unsupported("block with an init statement", scope.line)
    translate_statement(stmt.body, scope)


def _allocate(stmt, scope) -> None:
    scope.buffers.add_chip(stmt.buffer, scope)
    if getattr(stmt, "body", None) is not None:
        translate_statement(stmt.body, scope)


def _declare(stmt, scope) -> None:
    """A view: resolved where it is used, through the data that it shares."""
    scope.buffers.storage(stmt.buffer, scope)
    if getattr(stmt, "body", None) is not None:
        translate_statement(stmt.body, scope)


def _attribute(stmt, scope) -> None:
    if str(stmt.attr_key) == "reduce_scope":
        scope.reducer = stmt.node
    translate_statement(stmt.body, scope)


def _bind(stmt, scope) -> None:
    if call_name(stmt.value) == "launch_thread_idx":
        return _bind_thread(stmt, scope)
    if not scope.is_bound(stmt.value) or "x" in str(stmt.var.dtype):
        # Persistent loops bind before the loop variable that they use; a slice of a tensor is bound as a vector.
        return scope.define_inline(stmt.var, stmt.value)
    soft_sync(scope, _touches_shared(stmt.value))
    loads, bounds = scope.loads, scope.interval(stmt.value)
    value = emit(stmt.value, scope)
    name = scope.declare(stmt.var, bounds)
    kind = cpp_type(stmt.var.dtype)
    if scope.loads == loads:
        return scope.emit(f"const {kind} {name} = {value};")
    scope.emit(f"TAINT = CLEAN; const {kind} {name} = {value}; const u8 {name}_taint = TAINT;")
    scope.taints[stmt.var] = f"{name}_taint"


def _bind_thread(stmt, scope) -> None:
    _name_thread(stmt.var, int(stmt.value.args[0]), scope)


def _name_thread(var, axis: int, scope) -> None:
    x, y, _ = scope.plan.extents
    thread = f"(fiber * {scope.plan.width})"
    text = (f"{thread} % {x}", f"{thread} / {x} % {y}", f"{thread} / {x * y}")[axis]
    name = scope.declare(var, (0, scope.plan.extents[axis] - 1))
    scope.emit(f"const i32 {name} = {text};")


def _for(stmt, scope) -> None:
    kind = int(stmt.kind)
    if kind == THREAD_BINDING:
        scope.emit("{")
        _name_thread(stmt.loop_var, thread_axis(stmt), scope)
        translate_statement(stmt.body, scope)
        return scope.emit("}")
    if getattr(stmt, "step", None) is not None and int(stmt.step) != 1:
        raise Unsupported("loop with a step", scope.line)
    if kind == PARALLEL and not scope.parallel:
        return _parallel(stmt, scope)
    _loop(stmt, scope)


def _loop(stmt, scope) -> None:
    loads = scope.loads
    low, extent = emit(stmt.min, scope), emit(stmt.extent, scope)
    kind = cpp_type(stmt.loop_var.dtype)
    (first, _), (_, count) = scope.interval(stmt.min), scope.interval(stmt.extent)
    _, last_low = scope.interval(stmt.min)
    name = scope.declare(stmt.loop_var, (first, last_low + count - 1))
    scope.emit("{")
    scope.depth += 1
    scope.emit("TAINT = CLEAN;") if scope.loads != loads else None
    scope.emit(f"const {kind} {name}_low = {low}, {name}_count = {extent};")
    if scope.loads != loads:
        scope.emit(f"choose({scope.site('bound', 'the bounds of a loop')});")
    scope.emit(f"for ({kind} {name}_i = 0; {name}_i < {name}_count; ++{name}_i) {{")
    index = f"{name}_low + {name}_i"
    if int(stmt.kind) == PARALLEL:
        index = f"{name}_low + (REVERSED ? {name}_count - 1 - {name}_i : {name}_i)"
    scope.depth += 1
    scope.emit(f"const {kind} {name} = {index};")
    if scope.forgotten[0] is not None and scope.forgotten[0].same_as(stmt):
        scope.emit(scope.forgotten[1])
    translate_statement(stmt.body, scope)
    scope.depth -= 2
    scope.emit("    }")
    scope.emit("}")


def _parallel(stmt, scope) -> None:
    """An outermost T.Parallel: run once for all threads, in the order that the run asks for."""
    if scope.plan.parallel_varies and scope.plan.fibers > 1:
        raise Unsupported("T.Parallel that uses the thread index", scope.line)
    outside, scope.text = scope.text, []
    scope.parallel = True
    private = _private_stores(stmt, scope)
    scope.forgotten = (_innermost(stmt), private)
    _loop(stmt, scope)
    scope.emit(private)
    scope.parallel, scope.forgotten = False, (None, "")
    body, scope.text = scope.text, outside
    if scope.plan.fibers == 1:
        scope.text += body
    else:
        collective(scope, "T.Parallel", [line.removeprefix("    ") for line in body])


def _innermost(stmt):
    """The last loop of a perfect nest of T.Parallel."""
    while type(stmt.body).__name__ == "For" and int(stmt.body.kind) == PARALLEL:
        stmt = stmt.body
    return stmt


def _private_stores(stmt, scope) -> str:
    """C++ that forgets the thread-private buffers which a T.Parallel nest stores.

    Which iterations a thread runs is the compiler's choice, so no value of such a buffer lives from one iteration to
    the next: reading one is then an unwritten read.
    """
    stored: list = []
    _collect_private(stmt, stored)
    names = sorted({scope.buffers.reference(buffer, scope) for buffer in stored})
    return " ".join(f"memset({name}.flag, UNWRITTEN, {name}.size);" for name in names)


def _collect_private(stmt, found: list) -> None:
    if type(stmt).__name__ == "BufferStore" and stmt.buffer.scope() in PRIVATE:
        found.append(stmt.buffer)
    if type(stmt).__name__ == "IfThenElse":
        statements = [s for s in (stmt.then_case, stmt.else_case) if s is not None]
    else:
        _, statements = statement_parts(stmt)
    for child in statements:
        _collect_private(child, found)


def _condition(expr, scope, what: str) -> str:
    """Emit the evaluation of a condition; gives a C++ expression for its value."""
    loads = scope.loads
    text = emit(expr, scope)
    if scope.loads == loads:
        return text
    name = scope.names.fresh("condition")
    scope.emit(f"TAINT = CLEAN; const bool {name} = {text};")
    scope.emit(f"choose({scope.site('branch', what)});")
    return name


def _if(stmt, scope) -> None:
    soft_sync(scope, scope.plan.width == 1 and _sharing(stmt))
    scope.emit("{")
    scope.depth += 1
    condition = _condition(stmt.condition, scope, "the condition of an if")
    yes, no = scope.plan.split(stmt.condition, scope.mask)
    scope.emit(f"if ({condition}) {{")
    _branch(stmt.then_case, yes, scope)
    if stmt.else_case is not None:
        scope.emit("} else {")
        _branch(stmt.else_case, no, scope)
    scope.emit("}")
    scope.depth -= 1
    scope.emit("}")


def _branch(stmt, mask: int | None, scope) -> None:
    outer, scope.mask = scope.mask, mask
    scope.depth += 1
    if mask != 0:  # a branch that no thread takes has no participants for its collectives
        translate_statement(stmt, scope)
    scope.depth -= 1
    scope.mask = outer


def _while(stmt, scope) -> None:
    scope.emit("for (i64 rounds = 0;;) {")
    scope.depth += 1
    condition = _condition(stmt.condition, scope, "the condition of a while")
    scope.emit(f"if (!({condition})) break;")
    scope.emit(f"if (++rounds > (1 << 24)) endless({scope.site('while', 'a while loop')});")
    translate_statement(stmt.body, scope)
    scope.depth -= 1
    scope.emit("}")


def _touches_shared(*expressions) -> bool:
    for expr in expressions:
        if type(expr).__name__ == "BufferLoad" and expr.buffer.scope().startswith("shared"):
            return True
        if _touches_shared(*children(expr)):
            return True
    return False


def _sharing(stmt) -> bool:
    """Whether thread-level code in a statement touches shared memory."""
    if type(stmt).__name__ == "BufferStore" and stmt.buffer.scope().startswith("shared"):
        return True
    if type(stmt).__name__ == "IfThenElse":
        expressions, statements = [stmt.condition], [s for s in (stmt.then_case, stmt.else_case) if s is not None]
    else:
        expressions, statements = statement_parts(stmt)
    return _touches_shared(*expressions) or any(map(_sharing, statements))


def _store(stmt, scope) -> None:
    shared = stmt.buffer.scope().startswith("shared")
    soft_sync(scope, shared or _touches_shared(stmt.value, *stmt.indices))
    if any(type(index).__name__ == "Ramp" for index in stmt.indices):
        return _store_vector(stmt, scope)
    loads = scope.loads
    for index in stmt.indices:
        emit(index, scope)
    if scope.loads != loads:
        return _store_indirect(stmt, scope)
    value = unfinished(emit(stmt.value, scope), stmt.buffer, scope)
    scope.emit(f"TAINT = CLEAN; {scope.buffers.store(stmt.buffer, stmt.indices, value, scope, emit)}")


def _store_indirect(stmt, scope) -> None:
    """A store at an index that was read: an index from an unwritten element is an error in itself."""
    site = scope.site("address", stmt.buffer.name)
    scope.emit("{")
    texts = [emit(index, scope) for index in stmt.indices]
    names = [scope.names.fresh("at") for _ in texts]
    for name, text in zip(names, texts, strict=True):
        scope.emit(f"    TAINT = CLEAN; const i64 {name} = {text}; choose({site});")
    value = emit(stmt.value, scope)
    scope.emit(f"    TAINT = CLEAN; {scope.buffers.store_at(stmt.buffer, names, value, scope)}")
    scope.emit("}")


def _store_vector(stmt, scope) -> None:
    """`x[a:b] = y[c:d]`: all lanes are read before one is written."""
    lanes = next(int(i.lanes) for i in stmt.indices if type(i).__name__ == "Ramp")
    kind = cpp_type(stmt.buffer.dtype)
    scope.lane = "lane"
    value = emit(stmt.value, scope)
    store = scope.buffers.store(stmt.buffer, stmt.indices, "value[lane]", scope, emit)
    scope.lane = None
    scope.emit(f"{{ {kind} value[{lanes}]; u8 taint[{lanes}];")
    each = f"for (i32 lane = 0; lane < {lanes}; ++lane)"
    scope.emit(f"  {each} {{ TAINT = CLEAN; value[lane] = {value}; taint[lane] = TAINT; }}")
    scope.emit(f"  {each} {{ TAINT = taint[lane]; {store} }} }}")


def _evaluate(stmt, scope) -> None:
    call = stmt.value
    name = call_name(call)
    if name is None or name in NO_OPERATION:
        return
    if name.startswith("tileop."):
        if scope.parallel:
            raise Unsupported(f"tile operator T.{name.removeprefix('tileop.')} inside T.Parallel", scope.line)
        return emit_tile_operator(name.removeprefix("tileop."), call, scope)
    if name == "reducer_update":
        return emit_update(call, scope)
    if name == "ptx_cp_async":
        return _copy_of_a_thread(call, scope)
    if name in SYNCHRONIZATION:
        return SYNCHRONIZATION[name](call, scope)
    if name in ("break_loop", "loop_break", "continue_loop"):
        return scope.emit("continue;" if name.startswith("continue") else "break;")
    if name.startswith("device_assert"):
        return _device_assert(call, scope)
    if name.startswith("atomic_") and name.endswith("elem_op"):
        chip = is_chip(call.args[0].args[0].buffer)
        soft_sync(scope, chip or _touches_shared(*call.args[1:2]))
        return scope.emit(f"TAINT = CLEAN; {scope.buffers.atomic(call, scope, emit)};")
    raise Unsupported(_refusal(name, call), scope.line)


def _refusal(name: str, call) -> str:
    if name == "call_extern":
        return f"CUDA source of its own: call_extern({call.args[0]})"
    if name.startswith(("ptx_", "mma_", "wgmma_")):
        return f"an instruction of the device: {call.op.name}"
    return f"call of {call.op.name}"


def _copy_of_a_thread(call, scope) -> None:
    """cp.async: some neighbouring elements from global into shared memory."""
    from tvm.tirx import BufferLoad, BufferStore, Ramp

    if len(call.args) != 3 or any(call_name(arg) != "access_ptr" for arg in call.args[:2]):
        raise Unsupported("ptx_cp_async with a condition, or with other pointers than T.access_ptr", scope.line)
    (target, lanes, _), (source, _, _) = (arg.args for arg in call.args[:2])
    ends = [[*load.indices[:-1], Ramp(load.indices[-1], 1, int(lanes))] for load in (target, source)]
    _store(BufferStore(target.buffer, BufferLoad(source.buffer, ends[1]), ends[0]), scope)


def _device_assert(call, scope) -> None:
    site = scope.site("assert", "T.device_assert")
    scope.emit(f"TAINT = CLEAN; if (!{emit(call.args[0], scope)}) record(DEVICE_ASSERT, {site});")


def _assert(stmt, scope) -> None:
    site = scope.site("assert", "an assertion")
    scope.emit(f"if (!{emit(stmt.condition, scope)}) record(DEVICE_ASSERT, {site});")
    if getattr(stmt, "body", None) is not None:
        translate_statement(stmt.body, scope)


_RULES = {
    "SeqStmt": _sequence,
    "SBlockRealize": _block_realize,
    "SBlock": _block,
    "AllocBuffer": _allocate,
    "DeclBuffer": _declare,
    "AttrStmt": _attribute,
    "Bind": _bind,
    "For": _for,
    "IfThenElse": _if,
    "While": _while,
    "BufferStore": _store,
    "Evaluate": _evaluate,
    "AssertStmt": _assert,
}
