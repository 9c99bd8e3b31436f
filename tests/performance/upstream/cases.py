"""What a run of an example is: a kernel, its arguments, its inputs, and what it should give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Case:
    """One kernel of one example, at one set of arguments.

    `reference` takes the inputs (floats widened to float64) and the arguments as attributes of one object, and gives
    the outputs by parameter name. `inputs` gives tensors or numbers for parameters whose values matter; others are
    drawn from a normal distribution. `arguments` that start with "T." name an attribute of tilelang.language.
    `constants` replace variables of the example's module. The last axis of `unordered` outputs may come in any order.
    `note` says why a case cannot agree, where that is the example's fault.
    """

    file: str
    function: str
    label: str
    reference: Callable[[SimpleNamespace], Tensors]
    arguments: dict
    inputs: Callable[[], dict] = field(default=dict)
    tolerance: float = 1e-2
    constants: dict = field(default_factory=dict)
    unordered: tuple[str, ...] = ()
    note: str = ""


CASES: list[Case] = []


def case(
    file: str,
    function: str,
    arguments: dict,
    *,
    inputs=dict,
    tolerance: float = 1e-2,
    label: str = "",
    unordered: tuple[str, ...] = (),
    note: str = "",
    **constants,
):
    """Registers the decorated reference for a kernel; may be stacked."""

    def register(reference):
        CASES.append(Case(file, function, label, reference, arguments, inputs, tolerance, constants, unordered, note))
        return reference

    return register
