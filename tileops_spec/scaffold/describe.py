"""Parts of docstrings: shapes, dtypes, mathematics, as text."""

from __future__ import annotations

import textwrap

from ..ir.dtypes import DTYPES
from ..ir.show import show_definition, show_expr, show_tensor
from ..ir.spec import Spec, TensorDecl

_WIDTH = 120


def math_lines(spec: Spec, indent: int) -> tuple[str, ...]:
    """The mathematics, one statement after the other, wrapped to fit below `indent` spaces."""
    return tuple(
        line
        for definition in spec.math
        for line in textwrap.wrap(
            show_definition(definition),
            width=_WIDTH - indent,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def where_text(spec: Spec) -> str:
    """`K % 8 == 0; N % 8 == 0`, or "" without clauses."""
    return "; ".join(show_expr(clause) for clause in spec.where)


def shape_text(tensor: TensorDecl, spec: Spec) -> str:
    """`(M, K)`, `(*S, D)`, `(D,)`."""
    extents = show_tensor(tensor, spec).split("[", 1)[1].rsplit("]", 1)[0]
    return f"({extents},)" if len(tensor.shape) == 1 else f"({extents})"


def dtype_options(spec: Spec, dtype: str) -> tuple[str, ...]:
    """The torch names of the dtypes that a dtype or dtype variable can be, in the order written."""
    options = next((each.options for each in spec.dtypes if each.name == dtype), (dtype,))
    return tuple(DTYPES[option].torch for option in options)


def alternatives(words: tuple[str, ...]) -> str:
    """`float16, float32 or bfloat16`."""
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def wrapped(text: str, indent: int, hanging: int = 0, *, after: str = "") -> str:
    """Running text wrapped to the line length below `indent` spaces; lines after the first `hanging` deeper, the first
    one `after` something that stands before it."""
    pad = " " * (indent + hanging)
    room = {"break_long_words": False, "break_on_hyphens": False, "initial_indent": " " * len(after)}
    lines = textwrap.wrap(text, _WIDTH - indent - hanging, **room)
    return f"\n{pad}".join(lines)[len(after) :]


def docstring(text: str, indent: int) -> str:
    """Running text for the first lines of a docstring."""
    return wrapped(text, indent, after='"""')
