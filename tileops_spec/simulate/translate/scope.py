"""The state of a translation: names, variables and their intervals, sites, and the text so far."""

from __future__ import annotations

from ..errors import Unsupported
from .names import Names, cpp_type
from .ranges import Interval, interval
from .sites import Lines, Site


class Scope:
    """One for a whole PrimFunc; `plan` and `mask` change with the launch and the branch that is translated."""

    def __init__(self, func) -> None:
        self.lines = Lines(func)
        self.names = Names()
        self.sites: list[Site] = []
        self._site_numbers: dict[Site, int] = {}
        self._groups: dict[tuple, int] = {}
        self.variables: dict = {}
        self.taints: dict = {}
        self.inline: dict = {}
        self.intervals: dict = {}
        self.text: list[str] = []
        self.depth = 1
        self.buffers = None  # set by the program translator: translate.buffers.Buffers
        self.plan = None
        self.mask: int | None = None
        self.parallel = False
        self.reducer = None  # the combiner of tvm_thread_allreduce
        self.soft_syncs = 0
        self.forgotten: tuple = (None, "")
        self.lane: str | None = None
        self.loads = 0
        self.fiber = "fiber"
        self.safe_values: dict = {}
        self.reducers: dict = {}

    @property
    def line(self) -> int | None:
        return self.lines.current

    def emit(self, text: str) -> None:
        self.text.append("    " * self.depth + text)

    def site(self, action: str, buffer: str, shape: str = "") -> int:
        """The number of the site for this action on this buffer in the current line."""
        site = Site(action, buffer, shape, self.line)
        if site not in self._site_numbers:
            self._site_numbers[site] = len(self.sites)
            self.sites.append(site)
        return self._site_numbers[site]

    def sites_of(self, action: str, operands: list[tuple[str, str]]) -> int:
        """Consecutive sites, one for each (buffer, shape) of a tile operator; gives the number of the first."""
        key = (action, tuple(operands), self.line)
        if key not in self._groups:
            self._groups[key] = len(self.sites)
            self.sites += [Site(action, buffer, shape, self.line) for buffer, shape in operands]
        return self._groups[key]

    def define(self, var, text: str, bounds: Interval | None = None) -> None:
        self.variables[var] = text
        if bounds is not None:
            self.intervals[var] = bounds

    def declare(self, var, bounds: Interval | None = None) -> str:
        """A fresh C++ name for a variable."""
        name = self.names.fresh(var.name)
        self.define(var, name, bounds)
        return name

    def define_inline(self, var, value) -> None:
        """The variable stands for an expression, translated anew at each use."""
        self.inline[var] = value

    def variable(self, var, emit) -> str:
        if var in self.variables:
            name = self.variables[var]
            if var not in self.taints:
                return name
            self.loads += 1
            return f"tainted({name}, {self.taints[var]})"
        if var in self.inline:
            return emit(self.inline[var], self)
        raise Unsupported(f"variable {var.name} of unknown origin", self.line)

    def is_bound(self, expr) -> bool:
        """Whether all variables of an expression have a value here."""
        from .walk import children

        if type(expr).__name__ in ("Var", "SizeVar"):
            return expr in self.variables or expr in self.inline
        return all(self.is_bound(child) for child in children(expr))

    def interval(self, expr) -> Interval:
        return interval(expr, self.intervals)

    def type_of(self, dtype) -> str:
        """The C++ type; of one lane where a vector access is being translated."""
        name = str(dtype)
        if self.lane is not None and "x" in name:
            name = name.rsplit("x", 1)[0]
        return cpp_type(name)
