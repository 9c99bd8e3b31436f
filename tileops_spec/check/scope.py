"""The names that a spec's expressions may use."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..diagnostics.diagnostic import Label, Sink
from ..diagnostics.text import Span
from ..ir.dtypes import DTYPES
from ..ir.functions import AXISWISE, CONSTANTS, ELEMENTWISE, PROPERTIES, REDUCTIONS
from ..ir.nodes import Axis, Expr
from ..ir.spec import Constant, Dim, DTypeGroup, DTypeVar, Param
from .suggest import did_you_mean

RESERVED = frozenset({*ELEMENTWISE, *REDUCTIONS, *AXISWISE, *CONSTANTS, *DTYPES, *PROPERTIES})
RESERVED |= {"where", "pad", "segment", "present", "true", "false", "and", "or", "not"}


@dataclass(frozen=True, slots=True)
class Indexable:
    """What can be indexed: a tensor of the signature or a definition. `spread[i]` says that axis i is a group.

    `optional`: an input that may be left out.
    """

    name: str
    dtype: str
    shape: tuple[Expr, ...]
    spread: tuple[bool, ...]
    span: Span
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What the initial statement of a recurrence, and a look at its step, tell: `along` is the step's axis."""

    axes: tuple[Axis, ...]
    along: str
    initial: Expr
    backward: bool


@dataclass
class Scope:
    """Everything declared so far; one namespace for all kinds of names.

    `broken` holds names whose declaration was reported: what uses them is not reported again. `recurrences` are those
    whose step statement is still to come, `abandoned` those whose beginning was reported; `reads` are the names that
    the statements so far have read.
    """

    sink: Sink
    constants: dict[str, Constant] = field(default_factory=dict)
    dtype_groups: list[DTypeGroup] = field(default_factory=list)
    assumptions: list[Expr] = field(default_factory=list)
    recurrences: dict[str, Recurrence] = field(default_factory=dict)
    abandoned: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    dtypes: dict[str, DTypeVar] = field(default_factory=dict)
    dims: dict[str, Dim] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    inputs: dict[str, Indexable] = field(default_factory=dict)
    outputs: dict[str, Indexable] = field(default_factory=dict)
    defined: dict[str, Indexable] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def declare(self, name: str, span: Span) -> bool:
        """Take a name; TS105 where it is taken or reserved, TS006 where it is no name."""
        if not self.may_name(name, span):
            return False
        if name in self.places:
            first = Label(span=self.places[name], text="first used here")
            help_text = "dtypes, dims, params, tensors and definitions share one namespace"
            self.sink.error("TS105", f"the name `{name}` is taken", span, labels=(first,), help=help_text)
            return False
        self.places[name] = span
        return True

    def may_name(self, name: str, span: Span) -> bool:
        """Whether a word can name anything: TS006 for what is no name, TS105 for words of the language."""
        if not (name.isascii() and name.isidentifier()):
            help_text = "a name has ASCII letters, digits and `_`, and begins with a letter"
            self.sink.error("TS006", f"`{name}` is not a name", span, help=help_text)
            return False
        if name in RESERVED:
            self.sink.error("TS105", f"`{name}` is a word of the language", span, help="choose another name")
            return False
        return True

    def dtype(self, name: str, span: Span) -> str | None:
        """A concrete dtype's or dtype variable's name; TS104 where it is neither."""
        if name in self.dtypes or name in DTYPES:
            return name
        known = (*self.dtypes, *DTYPES)
        otherwise = f"the dtypes are {', '.join(known)}"
        self.sink.error("TS104", f"there is no dtype `{name}`", span, help=did_you_mean(name, known, otherwise))
        return None

    def indexable(self, name: str) -> Indexable | None:
        """What `name[…]` means on a right-hand side at this point."""
        return self.inputs.get(name) or self.defined.get(name)

    def is_in_place(self, name: str) -> bool:
        return name in self.inputs and name in self.outputs

    def is_free(self, name: str) -> bool:
        """Whether a word may still become an index variable."""
        return name not in self.places and name not in CONSTANTS

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.places)


@dataclass(frozen=True)
class Indices:
    """The index variables that are bound at a place of a statement."""

    axes: dict[str, Axis] = field(default_factory=dict)

    def with_axes(self, axes: tuple[Axis, ...]) -> Indices:
        return Indices({**self.axes, **{axis.name: axis for axis in axes}})
