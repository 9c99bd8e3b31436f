"""Everything that init.py.j2 says, decided."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.spec import Spec
from .describe import docstring
from .naming import op_class, spec_location


@dataclass(frozen=True, slots=True, kw_only=True)
class InitContext:
    op: str
    spec_path: str
    summary: str
    op_class: str


def init_context(spec: Spec) -> InitContext:
    return InitContext(
        op=spec.op, spec_path=spec_location(spec), summary=docstring(spec.summary, 0), op_class=op_class(spec.op)
    )
