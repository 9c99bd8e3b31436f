"""Shapes and dtypes of a function whose mathematics is not known, found by trying.

The calls are made on torch's meta device, where tensors have shapes and no elements: nothing is computed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from .functions import REQUIRED, Argument, Function, FunctionError

_DIMS = {"M": 22, "N": 26, "K": 34, "L": 38}
"""Extents that no sum or product of two others is: what comes out can be told. They are even, as some functions ask."""
AXES = frozenset({"dim", "axis"})
"""Arguments that name an axis: the last one is tried."""
_RANKS = (2, 1, 3, 4, 0)
_TRIES = 3000
_INTEGERS = frozenset({"index", "indices", "offsets", "target", "labels", "repeats"})

_COUNT = 5
"""What a whole number that must be given is in a trial: where it comes out as an extent, it is one."""

Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shapes:
    """The types of inputs and outputs, such as `T[M, N]`, and the clauses that they need.

    `found` is false where they are no more than a first guess.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    found: bool
    where: tuple[str, ...] = ()


def guess_shapes(function: Function, tensors: Sequence[str]) -> Shapes:
    """Types under which the function can be called with these tensors, and with the defaults of everything else."""
    trial = _Trial(function, tuple(tensors))
    if trial.can_run:
        for shapes in islice(_candidates(len(tensors)), _TRIES):
            outputs = trial.outputs(shapes)
            if outputs is not None:
                return trial.generalized(shapes, outputs)
    inputs = tuple(f"{trial.dtype(name)}[M, N]" for name in tensors)
    return Shapes(inputs, ("T[M, N]",), found=False)


def _candidates(count: int) -> Iterator[tuple[Shape, ...]]:
    """Shapes for each tensor: the first one's axes all differ; the others share axes with it, or bring new ones."""
    for rank in _RANKS:
        first = tuple(_DIMS)[:rank]
        others = sorted(_shapes(), key=lambda shape: (len(shape) != rank, not shape, len(set(shape) & set(first))))
        for rest in product(others, repeat=count - 1):
            yield (first, *rest)


def _shapes() -> Iterator[Shape]:
    for rank in (0, 1, 2, 3):
        yield from (shape for shape in product(_DIMS, repeat=rank) if len(set(shape)) == rank)
    yield tuple(_DIMS)


@dataclass(frozen=True, slots=True)
class _Trial:
    """Calls of one function."""

    function: Function
    tensors: tuple[str, ...]

    @property
    def can_run(self) -> bool:
        """Whether everything that has no default is a tensor, a number or an axis."""
        needed = (each for each in self.function.arguments if each.default is REQUIRED)
        return all(each.name in self.tensors or each.kind != "other" for each in needed)

    def dtype(self, name: str) -> str:
        return "i64" if name in _INTEGERS else "bool" if "mask" in name or name == "condition" else "T"

    def outputs(self, shapes: Sequence[Shape], float_dtype: str = "float32") -> tuple[Any, ...] | None:
        """What comes out, as tensors without elements; None where the call fails or gives something else."""
        import torch

        dtypes = {"T": float_dtype, "i64": "int64", "bool": "bool"}
        given = {
            name: torch.empty(
                [_DIMS[dim] for dim in shape], dtype=getattr(torch, dtypes[self.dtype(name)]), device="meta"
            )
            for name, shape in zip(self.tensors, shapes, strict=True)
        }
        with contextlib.redirect_stderr(None), contextlib.suppress(Exception):
            result = self.function.value(*self._positional(given), **self._named())
            values = (result,) if isinstance(result, torch.Tensor) else tuple(result)
            return values if values and all(isinstance(each, torch.Tensor) for each in values) else None
        return None

    def _positional(self, given: dict[str, Any]) -> Iterator[Any]:
        for each in self.function.arguments:
            if not each.keyword_only:
                yield given[each.name] if each.name in given else self._value(each)

    def _named(self) -> dict[str, Any]:
        arguments = (each for each in self.function.arguments if each.keyword_only and each.default is REQUIRED)
        return {each.name: self._value(each) for each in arguments}

    def _value(self, argument: Argument) -> Any:
        if argument.name in AXES and argument.kind in ("int", "other"):
            return -1
        if argument.default is not REQUIRED:
            return argument.default
        return {"bool": False, "int": _COUNT, "float": 1.0}[argument.kind]

    def generalized(self, shapes: Sequence[Shape], outputs: Sequence[Any]) -> Shapes:
        """The types; with a group of axes where tensors of every rank do."""
        names = [self._named_shape(each.shape) for each in outputs]
        dtypes = self._output_dtypes(shapes, outputs)
        found = all(name is not None for name in names)
        shown = [", ".join(name if name is not None else shapes[0]) for name in names]
        inputs = [", ".join(shape) for shape in shapes]
        group = self._group(shapes) if found else None
        if group is not None:
            inputs, shown = [group[0]] * len(inputs), list(group[1])
        given = tuple(f"{self.dtype(name)}[{shape}]" for name, shape in zip(self.tensors, inputs, strict=True))
        types = tuple(f"{dtype}[{shape}]" for dtype, shape in zip(dtypes, shown, strict=True))
        halved = dict.fromkeys(re.findall(r"(\w+) // 2", " ".join(types)))
        return Shapes(given, types, found, tuple(f"{name} % 2 == 0" for name in halved))

    def _output_dtypes(self, shapes: Sequence[Shape], outputs: Sequence[Any]) -> list[str]:
        """The language's dtypes: T where they follow the inputs."""
        from ...ir.dtypes import DTYPES

        names = {f"torch.{dtype.torch}": dtype.name for dtype in DTYPES.values()}
        unknown = [str(each.dtype) for each in outputs if str(each.dtype) not in names]
        if unknown:
            raise FunctionError(f"it gives {unknown[0]}, for which the language has no dtype")
        narrow = self.outputs(shapes, "float16")
        follows = [str(each.dtype) == "torch.float16" for each in narrow] if narrow else [True] * len(outputs)
        plain = [names[str(each.dtype)] for each in outputs]
        return ["T" if name == "f32" and follow else name for name, follow in zip(plain, follows, strict=True)]

    def _group(self, shapes: Sequence[Shape]) -> tuple[str, list[str]] | None:
        """The input's and outputs' axes with leading ones as a group, where all inputs are of one shape: `*S`, or
        `*S, N` where the last axis is treated otherwise."""
        if len(set(shapes)) != 1:
            return None
        forms = {rank: self._form(rank, len(shapes)) for rank in (1, 2, 3)}
        if None in forms.values() or len({tuple(form) for form in forms.values() if form}) != 1:
            return None
        ends = forms[1] or []
        along = any(each.name in AXES for each in self.function.arguments)
        if not along and all(end == "same" for end in ends) and self._form(0, len(shapes)) is not None:
            return "*S", ["*S"] * len(ends)
        return "*S, N", [{"same": "*S, N", "reduced": "*S"}[end] for end in ends]

    def _form(self, rank: int, count: int) -> list[str] | None:
        """For each output, whether it is shaped as the input or lacks its last axis; None where it is neither."""
        shape = tuple(_DIMS)[:rank]
        outputs = self.outputs([shape] * count)
        extents = tuple(_DIMS[dim] for dim in shape)
        forms = {extents: "same"} | ({extents[:-1]: "reduced"} if rank else {})
        found = [forms.get(tuple(each.shape)) for each in outputs or ()]
        return None if not found or None in found else found  # type: ignore[return-value]

    def _named_shape(self, shape: Sequence[int]) -> Shape | None:
        """Extents as dims, as simple expressions of them, as a param, or as small numbers; None where one is none."""
        needed = (each for each in self.function.arguments if each.kind == "int" and each.default is REQUIRED)
        counts = dict.fromkeys((_COUNT,), next((each.name for each in needed if each.name not in AXES), None))
        names = [counts.get(extent) or _named_extent(extent) for extent in shape]
        return None if None in names else tuple(names)  # type: ignore[arg-type]


def _named_extent(extent: int) -> str | None:
    for name, value in _DIMS.items():
        if extent == value:
            return name
    for (a, x), (b, y) in product(_DIMS.items(), repeat=2):
        if extent == x * y:
            return f"{a} * {b}"
        if extent == x + y:
            return f"2 * {a}" if a == b else f"{a} + {b}"
    halves = {value // 2: f"{name} // 2" for name, value in _DIMS.items()}
    return halves.get(extent) or (str(extent) if 0 < extent <= 4 else None)
