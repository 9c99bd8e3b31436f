"""Which threads run what: how many fibers a block needs, and who takes part in a tile operator.

A fiber stands for `width` neighbouring threads that the program cannot tell apart: every expression over the thread
index alone has one value within them. A kernel that never asks for its thread index runs as one fiber.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Unsupported
from .walk import call_name, children, is_chip, statement_parts

THREAD_FUNCTIONS = ("get_lane_idx", "get_warp_idx", "get_warp_idx_sync", "get_warp_group_idx", "tl_shuffle_elect")
WARP_FUNCTIONS = ("shfl_", "warp_reduce_", "any_sync", "all_sync", "ballot", "tvm_warp_shuffle", "tvm_thread_allreduce")
THREAD_BINDING = 4
WIDTHS = (256, 128, 64, 32)


@dataclass(slots=True)
class Plan:
    """The threads of one launch. Masks are sets of threads as integers; None: known only at run time."""

    threads: int
    extents: tuple[int, int, int]
    axes: dict = field(default_factory=dict)  # thread variable → axis
    bound: dict = field(default_factory=dict)  # variable → its value, where that depends on the thread index alone
    width: int = 1
    uses: dict = field(default_factory=dict)  # data of a fragment → masks under which it is used
    varying: set = field(default_factory=set)  # variables and private buffers whose value differs between threads
    private: set = field(default_factory=set)  # fragments in which each thread keeps values of its own
    parallel_varies: bool = False  # a T.Parallel loop uses the thread index
    issuers: list = field(default_factory=list)  # masks under which wgmma is issued: each has a queue

    @property
    def fibers(self) -> int:
        return self.threads // self.width

    @property
    def everyone(self) -> int:
        return (1 << self.threads) - 1

    @property
    def asynchronous(self) -> bool:
        return bool(self.issuers)

    def queue(self, mask: int | None) -> int:
        """The queue of the threads that issue a wgmma."""
        return self.issuers.index(mask)

    def queues(self, mask: int | None) -> int:
        """The queues, as a set of bits, for which threads under `mask` wait."""
        return sum(1 << q for q, issuer in enumerate(self.issuers) if mask is None or issuer is None or mask & issuer)

    def participants(self, mask: int | None, what: str, line: int | None) -> int:
        """How many fibers take part in a collective under `mask`."""
        if mask is None:
            raise Unsupported(f"{what} under a condition on the thread index that is known only at run time", line)
        return max(1, mask.bit_count() // self.width)

    def require_single_threads(self, what: str, line: int | None) -> None:
        if self.width != 1:
            raise Unsupported(f"{what} in a kernel without thread-level code", line)

    def require_same(self, expressions, what: str, line: int | None) -> None:
        """A collective runs once: what it computes with may not differ between its threads."""
        if self.fibers > 1 and any(self.depends(expr) for expr in expressions):
            raise Unsupported(f"{what} with operands that depend on the thread index", line)

    def split(self, condition, mask: int | None) -> tuple[int | None, int | None]:
        """The threads that take each side of an if."""
        if mask is None:
            return None, None
        yes, no = self._sides(condition)
        return (None if yes is None else mask & yes), (None if no is None else mask & no)

    def _sides(self, condition) -> tuple[int | None, int | None]:
        if not self.depends(condition):
            return self.everyone, self.everyone
        if self.closed(condition):
            yes = sum(1 << t for t in range(self.threads) if self.value(condition, t))
            return yes, self.everyone & ~yes
        if type(condition).__name__ == "And":
            (yes_a, _), (yes_b, _) = self._sides(condition.a), self._sides(condition.b)
            return (None if yes_a is None or yes_b is None else yes_a & yes_b), None
        return None, None

    def depends(self, expr) -> bool:
        """Whether an expression has a part that the thread index decides."""
        if expr in self.axes or expr in self.bound or call_name(expr) in THREAD_FUNCTIONS or expr in self.varying:
            return True
        if type(expr).__name__ == "BufferLoad" and expr.buffer.data in self.varying:
            return True
        return any(self.depends(child) for child in children(expr))

    def closed(self, expr) -> bool:
        """Whether an expression is made of the thread index and constants alone."""
        name = type(expr).__name__
        if name in ("IntImm", "FloatImm", "StringImm") or expr in self.axes or expr in self.bound:
            return True
        if name in ("Var", "SizeVar", "BufferLoad"):
            return False
        if name == "Call" and call_name(expr) not in (*THREAD_FUNCTIONS, *_BITS, "if_then_else"):
            return False
        return (name in _BINARY or name in ("Not", "Cast", "Call", "Select")) and all(map(self.closed, children(expr)))

    def value(self, expr, thread: int) -> int:
        """The value of a closed expression for one thread."""
        name = type(expr).__name__
        if expr in self.axes:
            x, y, _ = self.extents
            return (thread % x, thread // x % y, thread // (x * y))[self.axes[expr]]
        if expr in self.bound:
            return self.value(self.bound[expr], thread)
        if name in ("IntImm", "FloatImm"):
            return expr.value
        if name == "Call" and call_name(expr) in THREAD_FUNCTIONS:
            return thread_function(expr, thread)
        args = [self.value(child, thread) for child in children(expr)]
        if name == "Call":
            return _BITS[call_name(expr)](*args) if call_name(expr) in _BITS else args[1 if args[0] else 2]
        if name == "Select":
            return args[1 if args[0] else 2]
        return _BINARY[name](*args) if name in _BINARY else (not args[0] if name == "Not" else int(args[0]))


def _truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_BINARY = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": _truncated,
    "Mod": lambda a, b: a - _truncated(a, b) * b,
    "FloorDiv": lambda a, b: a // b,
    "FloorMod": lambda a, b: a % b,
    "Min": min,
    "Max": max,
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GE": lambda a, b: a >= b,
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
}
_BITS = {
    "bitwise_and": lambda a, b: a & b,
    "bitwise_or": lambda a, b: a | b,
    "bitwise_xor": lambda a, b: a ^ b,
    "shift_left": lambda a, b: a << b,
    "shift_right": lambda a, b: a >> b,
}


def thread_function(call, thread: int) -> int:
    """`T.get_warp_idx()` and its like, for one thread of the block."""
    args = [int(a.value) for a in call.args]
    name = call_name(call)
    if name == "get_lane_idx":
        return thread % (args[0] if args else 32)
    if name == "get_warp_group_idx":
        return thread // ((args[0] if args else 32) * (args[1] if len(args) > 1 else 4))
    if name == "tl_shuffle_elect":
        return thread % args[0] == 0 if args[0] else thread == 0
    return thread // (args[0] if args else 32)


def emit_thread_function(call, scope) -> str:
    """The C++ text of a thread function for the running fiber."""
    args = [int(a.value) for a in call.args]
    thread = f"(fiber * {scope.plan.width})"
    name = call_name(call)
    if name == "get_lane_idx":
        return f"({thread} % {args[0] if args else 32})"
    if name == "get_warp_group_idx":
        return f"({thread} / {(args[0] if args else 32) * (args[1] if len(args) > 1 else 4)})"
    if name == "tl_shuffle_elect":
        return f"({thread} % {args[0]} == 0)" if args[0] else f"({thread} == 0)"
    return f"({thread} / {args[0] if args else 32})"


def thread_axis(stmt) -> int:
    """The axis that a thread-binding loop inside a kernel names."""
    tag = str(stmt.thread_binding.thread_tag)
    if not tag.startswith("threadIdx."):
        raise Unsupported(f"thread binding of {tag} inside a kernel")
    return "xyz".index(tag[-1])


def plan_threads(body, extents: tuple[int, int, int]) -> Plan:
    """The plan of a launch from its body."""
    x, y, z = extents
    plan = Plan(x * y * z, extents)
    _Survey(plan).visit(body, plan.everyone, False)  # once for the variables, which a loop may use before they vary
    survey = _Survey(plan)
    survey.visit(body, plan.everyone, False)
    plan.width = 1 if survey.single else _width(plan, survey.atoms)
    return plan


def _width(plan: Plan, atoms: list) -> int:
    """The widest group of threads in which every atom has one value."""
    tables = [[plan.value(atom, t) for t in range(plan.threads)] for atom in atoms]
    for width in (plan.threads, *WIDTHS):
        if plan.threads % width == 0 and all(_uniform(table, width) for table in tables):
            return width
    return 1


def _uniform(table: list, width: int) -> bool:
    return all(table[i] == table[i - i % width] for i in range(len(table)))


class _Survey:
    """Collects what depends on the thread index, and under which masks fragments are used."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.atoms: list = []
        self.single = False

    def visit(self, stmt, mask: int | None, parallel: bool) -> None:
        name = type(stmt).__name__
        if name == "Bind":
            self._bind(stmt)
        elif name == "IfThenElse":
            self._expression(stmt.condition, mask, parallel)
            yes, no = self.plan.split(stmt.condition, mask)
            self.visit(stmt.then_case, yes, parallel)
            if stmt.else_case is not None:
                self.visit(stmt.else_case, no, parallel)
            return
        elif name == "BufferStore":
            self._store(stmt, mask, parallel)
        elif name == "For" and int(stmt.kind) == THREAD_BINDING:
            self._thread_loop(stmt)
        inside = parallel or (name == "For" and int(stmt.kind) == 1)
        expressions, statements = statement_parts(stmt)
        for expr in expressions:
            if not (name == "Bind" and stmt.var in self.plan.axes):
                self._expression(expr, mask, parallel)
        for child in statements:
            self.visit(child, mask, inside)

    def _bind(self, stmt) -> None:
        if call_name(stmt.value) == "launch_thread_idx":
            self.plan.axes[stmt.var] = int(stmt.value.args[0])
        elif self.plan.depends(stmt.value) and self.plan.closed(stmt.value):
            self.plan.bound[stmt.var] = stmt.value
        elif self.plan.depends(stmt.value):
            self.plan.varying.add(stmt.var)

    def _thread_loop(self, stmt) -> None:
        axis = thread_axis(stmt)
        if type(stmt.extent).__name__ != "IntImm" or int(stmt.extent) != self.plan.extents[axis]:
            raise Unsupported(f"a thread binding of {stmt.extent} threads in a block of {self.plan.extents}")
        self.plan.axes[stmt.loop_var] = axis

    def _store(self, stmt, mask: int | None, parallel: bool) -> None:
        """Outside of T.Parallel every thread stores: `s[0] += x` then adds once a thread."""
        self._use(stmt.buffer, mask)
        private = stmt.buffer.scope().startswith("local")
        if stmt.buffer.scope() in ("local", "local.var") and self.plan.depends(stmt.value):
            self.plan.varying.add(stmt.buffer.data)
        if stmt.buffer.scope() == "local.fragment" and not parallel and self.plan.depends(stmt.value):
            self.plan.varying.add(stmt.buffer.data)
            self.plan.private.add(stmt.buffer.data)
        if not parallel and not private and _loads(stmt.value, stmt.buffer):
            self.single = True

    def _use(self, buffer, mask: int | None) -> None:
        if is_chip(buffer):
            self.plan.uses.setdefault(buffer.data, set()).add(mask)

    def _expression(self, expr, mask: int | None, parallel: bool) -> None:
        name = call_name(expr)
        if type(expr).__name__ == "BufferLoad":
            self._use(expr.buffer, mask)
        if name and name.startswith(WARP_FUNCTIONS):
            self.single = True
        if name == "tileop.wgmma_gemm" and mask not in self.plan.issuers:
            self.plan.issuers.append(mask)
        if name and name.startswith("atomic_") and not parallel:
            self.single = True
        if parallel and self.plan.depends(expr):
            self.plan.parallel_varies = True
        if self.plan.depends(expr) and self.plan.closed(expr):
            self.atoms.append(expr)
            return
        for child in children(expr):
            self._expression(child, mask, parallel)


def _loads(expr, buffer) -> bool:
    if type(expr).__name__ == "BufferLoad" and expr.buffer.data.same_as(buffer.data):
        return True
    return any(_loads(child, buffer) for child in children(expr))
