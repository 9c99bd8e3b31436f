"""Cases as text: `T=f16 M=131 N=8 K=40 data=normal seed=5`, on a command line or in a file of saved cases."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from ..ir.scalars import Scalar
from ..ir.show import show_expr
from ..ir.spec import Param, Spec
from .binding import BindingError, holds
from .cases import DISTRIBUTIONS, FAR, NEAR, Case, show_scalar

_OWN = ("without", "data", "seed")
"""What a case says beside the names of the spec. Where a spec has such a name, the case's own is written `.seed`."""
_NUMBERS: dict[str, type] = {"i": int, "u": int, "f": float}


class CaseError(ValueError):
    """The text is no case of the spec; the message names the part."""


def case_text(case: Case, spec: Spec) -> str:
    """The whole case; `parse_case` gives it back. Params that have their default value are left out."""
    pairs = [*case.dtypes, *case.dims, *((name, show_scalar(value)) for name, value in case.params)]
    own = {"without": ",".join(case.absent), "data": case.data, "seed": str(case.seed)}
    pairs += [(_own_key(name, spec), value) for name, value in own.items() if value]
    return " ".join(f"{name}={value}" for name, value in pairs)


def parse_case(text: str, spec: Spec) -> Case:
    """The case that a text stands for, in any order of its parts.

    What is left out is the first option of a dtype variable, the default of a param, no absent input, `data=normal`,
    `seed=0`; every dim must be there. CaseError where a part is unknown, twice there or ill-formed, where the dtypes do
    not go together, or where the shape is one that `where` refuses.
    """
    given = _parts(text)
    own = {name: given.pop(_own_key(name, spec), given.pop(f".{name}", None)) for name in _OWN}
    case = Case(
        dtypes=_dtypes(spec, given),
        dims=tuple((dim.name, _number(dim.name, _required(given, dim.name), int)) for dim in spec.dims),
        params=tuple((each.name, _param(each, given.pop(each.name))) for each in spec.params if each.name in given),
        data=_choice("data", own["data"] or "normal", (*DISTRIBUTIONS, FAR, NEAR)),
        seed=_number("seed", own["seed"] or "0", int),
        absent=_absent(own["without"], spec),
    )
    if given:
        raise CaseError(f"`{next(iter(given))}` is no name of {spec.op} (known: {', '.join(_names(spec))})")
    _refuse_disallowed(case, spec)
    return case


def _own_key(name: str, spec: Spec) -> str:
    declared = {each.name for each in (*spec.dtypes, *spec.dims, *spec.params)}
    return f".{name}" if name in declared else name


def _names(spec: Spec) -> list[str]:
    declared = [each.name for each in (*spec.dtypes, *spec.dims, *spec.params)]
    return [*declared, *(_own_key(name, spec) for name in _OWN)]


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _split(text):
        name, equals, value = part.partition("=")
        if not name or not equals or not value:
            raise CaseError(f"`{part}` is not of the form name=value")
        if name in found:
            raise CaseError(f"`{name}` stands twice in the case")
        found[name] = value
    return found


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise CaseError(f"`{text}` is no case: {error}") from error


def _dtypes(spec: Spec, given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The first choice of dtypes that has those given: variables of a group follow one another."""
    wanted = {var.name: given.pop(var.name) for var in spec.dtypes if var.name in given}
    for var in spec.dtypes:
        _choice(var.name, wanted.get(var.name, var.options[0]), var.options)
    for choice in spec.dtype_choices():
        if wanted.items() <= choice.items():
            return tuple(choice.items())
    raise CaseError(f"the dtypes {_pairs(wanted)} do not go together")


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _required(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise CaseError(f"no value for dim {name}")
    return given.pop(name)


def _number(name: str, text: str, form: Callable[[str], int | float]) -> int | float:
    try:
        return form(text)
    except ValueError:
        kind = "a whole number" if form is int else "a number"
        raise CaseError(f"{name} is {kind}, not `{text}`") from None


def _param(param: Param, text: str) -> Scalar:
    if param.dtype == "bool":
        return _choice(param.name, text, ("true", "false")) == "true"
    return _number(param.name, text, _NUMBERS.get(param.dtype[0], float))


def _choice(name: str, text: str, options: tuple[str, ...]) -> str:
    if text not in options:
        raise CaseError(f"{name} is one of {', '.join(options)}, not `{text}`")
    return text


def _absent(text: str | None, spec: Spec) -> tuple[str, ...]:
    optional = [each.name for each in spec.inputs if each.default is not None]
    names = text.split(",") if text else []
    for name in names:
        if name not in optional:
            raise CaseError(f"`{name}` is no optional input of {spec.op} (known: {', '.join(optional) or 'none'})")
    return tuple(name for name in optional if name in names)


def _refuse_disallowed(case: Case, spec: Spec) -> None:
    try:
        broken = holds(spec, case.binding(spec))
    except BindingError as error:
        raise CaseError(str(error)) from error
    if broken:
        raise CaseError(f"`where` refuses the shape: {', '.join(f'`{show_expr(clause)}`' for clause in broken)}")
