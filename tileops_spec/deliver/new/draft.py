"""A first spec for a torch function."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...check.scope import RESERVED
from .classes import render
from .functions import REQUIRED, Argument, Function, FunctionError, read_function
from .known import KNOWN, Known
from .shapes import AXES, Shapes, guess_shapes

_WIDTH = 116
_SHAPING = frozenset({"keepdim", "keepdims"})
"""Flags that decide about shapes: they stay as they are."""
_NUMBERS = {"bool": "bool", "int": "i64", "float": "f32"}


@dataclass(slots=True)
class Draft:
    """What the template fills in. `passed` are the arguments of the call: positional ones by their place."""

    op: str
    path: str
    version: str
    signature: str
    summary: str
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    params: list[tuple[str, str]] = field(default_factory=list)
    dims: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    math: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)
    call: str = ""

    @property
    def dtypes(self) -> bool:
        """Whether a dtype variable is used."""
        return any(type_.startswith("T[") for _, type_ in (*self.inputs, *self.outputs))

    def note(self, text: str) -> None:
        self.notes += textwrap.wrap(text, width=_WIDTH, subsequent_indent="  ")


def spec_from_function(op: str, path: str) -> str:
    """The text of a spec for a function of torch, which is imported. Raises FunctionError."""
    import torch

    function = read_function(path)
    known = KNOWN.get(function.name)
    if known is not None and not _fits(known, function):
        known = None
    draft = Draft(op, path, torch.__version__, _one_line(function.signature), "")
    if known is not None:
        _fill_known(draft, function, known)
    else:
        _fill_unknown(draft, function)
    draft.call = _call(draft, function)
    return render("from_torch.yaml.j2", draft)


def _one_line(signature: str) -> str:
    return textwrap.shorten(signature, width=_WIDTH, placeholder=" …)")


def _tensors(function: Function) -> list[Argument]:
    return [each for each in function.arguments if each.kind == "tensor"]


def _fits(known: Known, function: Function) -> bool:
    """Whether the function has the arguments that the table speaks of: torch has several of one name."""
    names = {each.name for each in function.arguments}
    tensors = _tensors(function)
    rest = tensors[len(known.tensors) :]
    needed = {each.name for each in function.arguments if each.kind == "other" and each.default is REQUIRED}
    return (
        len(tensors) >= len(known.tensors)
        and all(each.optional for each in rest)
        and needed <= set(known.fixed)
        and names >= {name for name, value in known.fixed.items() if value is not None}
        and names >= set(known.params)
    )


# functions whose mathematics is known


def _fill_known(draft: Draft, function: Function, known: Known) -> None:
    draft.summary, draft.dims, draft.where = known.summary, known.dims, known.where
    draft.math = tuple(known.math.split("\n"))
    draft.inputs, draft.outputs = list(known.tensors.items()), list(known.outputs.items())
    for argument, name in zip(_tensors(function), known.tensors, strict=False):
        draft.passed[argument.name] = name
    for argument in function.arguments:
        if argument.name in known.fixed:
            value = known.fixed[argument.name]
            draft.passed |= {argument.name: value} if value is not None else {}
        elif argument.name in known.params:
            draft.params.append((argument.name, known.params[argument.name]))
            draft.passed[argument.name] = argument.name
        elif argument.kind in _NUMBERS:
            _add_param(draft, argument)
    left = [each.name for each in function.arguments if each.name not in draft.passed]
    if left:
        draft.note(f"Left at their defaults, and not part of the spec: {', '.join(left)}.")
    draft.note("Add workloads: shapes from real models, such as `{name: llama3-8b, …}`.")


def _add_param(draft: Draft, argument: Argument) -> None:
    """A number of the signature as a param, under a name that the language leaves free."""
    name = f"{argument.name}_" if argument.name in RESERVED else argument.name
    dtype = _NUMBERS[argument.kind]
    default = "" if argument.default is REQUIRED else f" = {_literal(argument.default)}"
    draft.params.append((name, f"{dtype}{default}"))
    draft.passed[argument.name] = name


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


# functions that only the signature is known of


def _fill_unknown(draft: Draft, function: Function) -> None:
    """Inputs for the tensors that must be given, with shapes that were found by trying; params for numbers."""
    tensors = [each for each in _tensors(function) if not each.optional]
    if not tensors:
        raise FunctionError("it takes no tensor")
    for argument in function.arguments:
        if argument.name in AXES and argument.kind in ("int", "other"):
            draft.passed[argument.name] = "-1"
        elif argument.kind in _NUMBERS and argument.name not in _SHAPING:
            _add_param(draft, argument)
        elif argument.kind == "other" and argument.default is REQUIRED:
            draft.passed[argument.name] = "..."
            draft.note(f"Write what stands for `...` in the reference: {argument.name} ({argument.type or 'no type'}).")
    names = {each.name: _input_name(each.name) for each in tensors}
    draft.passed |= names
    shapes = guess_shapes(function, [each.name for each in tensors])
    draft.inputs = [(names[each.name], type_) for each, type_ in zip(tensors, shapes.inputs, strict=True)]
    draft.outputs = [(_output_name(at, shapes, draft), type_) for at, type_ in enumerate(shapes.outputs)]
    draft.where = shapes.where
    draft.summary = f"What {function.path} computes."
    _advise(draft, function, shapes)


def _input_name(name: str) -> str:
    return f"{name}_" if name in RESERVED else name


def _output_name(at: int, shapes: Shapes, draft: Draft) -> str:
    name = "output" if len(shapes.outputs) == 1 else f"output{at}"
    return f"{name}_" if name in dict(draft.inputs) | dict(draft.params) else name


def _advise(draft: Draft, function: Function, shapes: Shapes) -> None:
    left = [each.name for each in function.arguments if each.name not in draft.passed]
    if left:
        draft.note(f"Left at their defaults, and not part of the spec: {', '.join(left)}.")
    found = "were found by trying small tensors" if shapes.found else "are a guess: trying small tensors found none"
    draft.note(f"Shapes and dtypes {found}; correct them where they are too narrow.")
    output = draft.outputs[0][0]
    draft.note(
        f"What to do next: say the mathematics in a block `math: |` with a line such as `{output}[…] = …`; without it "
        "nothing is derived (TS132). `tospec new OP --template CLASS` shows how; docs/language.md has every construct. "
        "Then add workloads: shapes from real models."
    )


def _call(draft: Draft, function: Function) -> str:
    """The call that the reference makes: by position up to the first argument that is left out, then by name."""
    return f"{function.path}({', '.join(_passed(draft, function))})"


def _passed(draft: Draft, function: Function) -> Iterator[str]:
    by_name = False
    for argument in function.arguments:
        value = draft.passed.get(argument.name)
        if value is None:
            by_name = True
        elif by_name or argument.keyword_only:
            yield f"{argument.name}={value}"
        else:
            yield value
