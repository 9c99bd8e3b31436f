"""Everything that test.py.j2 says, decided."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.nodes import DimRef
from ..ir.spec import Spec
from .naming import spec_location
from .op_checks import ranked_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class TestContext:
    """`has_clauses`, `shares_axes`, `has_ranks`: whether there is something to break."""

    __test__ = False  # pytest takes the name for a test class

    op: str
    spec_path: str
    has_clauses: bool
    shares_axes: bool
    has_ranks: bool


def test_context(spec: Spec) -> TestContext:
    fixed = [extent.name for tensor in spec.inputs for extent in tensor.shape if isinstance(extent, DimRef)]
    single = [name for name in fixed if not spec.dim(name).spread]
    return TestContext(
        op=spec.op,
        spec_path=spec_location(spec),
        has_clauses=bool(spec.where),
        shares_axes=len(set(single)) < len(single),
        has_ranks=bool(ranked_inputs(spec)),
    )
