"""The signature of a torch function: of Python functions from Python, of others from their schema or documentation.

Only what is asked for is imported; nothing of it is called.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Kind = Literal["tensor", "bool", "int", "float", "other"]
REQUIRED = inspect.Parameter.empty


class FunctionError(Exception):
    """There is no such function, or its signature cannot be read; the message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """`default` is REQUIRED where there is none; a tensor that may be None is `optional`. `type` is as written."""

    name: str
    kind: Kind
    type: str = ""
    default: Any = REQUIRED
    optional: bool = False
    keyword_only: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """`path` is how Python names it, `value` the function itself; `name` is the last word that is no overload's."""

    path: str
    name: str
    value: Any
    arguments: tuple[Argument, ...]

    @property
    def signature(self) -> str:
        """`layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05)`."""
        shown = (each.name + ("" if each.default is REQUIRED else f"={each.default!r}") for each in self.arguments)
        return f"{self.name}({', '.join(shown)})"


def read_function(path: str) -> Function:
    """The function at a path such as `torch.nn.functional.layer_norm` or `torch.ops.aten.add.Tensor`."""
    if path.startswith("torch.Tensor."):
        raise FunctionError("methods of tensors are not read; name the function, such as torch.add")
    value = _find(path)
    if not callable(value):
        raise FunctionError("it is no function")
    name = path.split(".")[-1]
    overload = _overload(value, ())
    if overload is not None:
        name = overload._schema.name.split("::")[-1]
        return Function(path, name, value, tuple(_from_schema(overload._schema)))
    arguments = _from_python(value) or _from_aten(path, value) or _from_documentation(name, value)
    if not arguments:
        raise FunctionError("its signature cannot be read")
    return Function(path, name, value, tuple(each for each in arguments if each.name not in _PLUMBING))


_PLUMBING = frozenset({"out", "inplace", "_stacklevel", "size_average", "reduce"})
"""Arguments that are not part of what a function computes."""


def _find(path: str) -> Any:
    """The object, by the modules and attributes that the path names."""
    first, *words = path.split(".")
    if first != "torch" or not all(word.isidentifier() for word in words):
        raise FunctionError("a function of torch is named like torch.nn.functional.layer_norm")
    try:
        value = importlib.import_module(first)
    except ImportError as error:
        raise FunctionError(f"torch cannot be imported ({error}); pip install 'tospec[kernel]'") from None
    for at, word in enumerate(words):
        value = _member(value, word, ".".join((first, *words[:at])))
    return value


def _member(owner: Any, word: str, path: str) -> Any:
    try:
        return getattr(owner, word)
    except (AttributeError, RuntimeError):
        pass
    try:
        return importlib.import_module(f"{path}.{word}")
    except ImportError:
        near = get_close_matches(word, dir(owner), n=1)
        hint = f"; did you mean {path}.{near[0]}?" if near else ""
        raise FunctionError(f"{path} has no `{word}`{hint}") from None


def _overload(value: Any, names: Collection[str]) -> Any | None:
    """The overload that an operator of torch.ops stands for, the one with most of these arguments; None for others."""
    if hasattr(value, "_schema"):
        return value
    if not hasattr(value, "overloads"):
        return None
    usable = {name: getattr(value, name) for name in value.overloads() if _is_usable(getattr(value, name)._schema)}
    if not usable:
        raise FunctionError("none of its overloads takes tensors by position and returns new ones")
    known = {name: {each.name for each in _from_schema(overload._schema)} for name, overload in usable.items()}
    unknown = {name: sum(map(_is_demanding, _from_schema(overload._schema))) for name, overload in usable.items()}
    fit = {name: (-unknown[name], len(known[name] & set(names)), name == "default") for name in usable}
    return usable[max(usable, key=lambda name: fit[name])]


def _is_demanding(argument: Argument) -> bool:
    """Whether an argument must be given and is neither a tensor nor a number."""
    return argument.kind == "other" and argument.default is REQUIRED


def _is_usable(schema: Any) -> bool:
    """Whether an overload takes a tensor, no named dimension, and nothing to write to."""
    types = [str(each.type) for each in schema.arguments]
    if "Tensor" not in types or types[0] == "str" or any("Dimname" in text for text in types):
        return False
    writes = any(each.alias_info is not None and each.alias_info.is_write for each in schema.arguments)
    return not writes and "...)" not in str(schema)  # three dots: it takes any number of arguments


def _from_schema(schema: Any) -> Iterator[Argument]:
    for each in schema.arguments:
        text = str(each.type)
        default = each.default_value if each.has_default_value() else REQUIRED
        if isinstance(default, float):
            default = float(f"{default:.15g}")  # schemas print 1e-5 as 1.0000000000000001e-05
        yield Argument(
            name="input" if each.name == "self" else each.name,
            kind=_kind(text),
            type=text,
            default=default,
            optional=text == "Optional[Tensor]",
            keyword_only=each.kwarg_only,
        )


def _from_python(value: Any) -> list[Argument]:
    """From inspect; nothing where that sees `*args` only."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        return []
    documented = dict(_documented_types(value))
    return [_from_parameter(each, documented) for each in parameters]


def _from_parameter(each: inspect.Parameter, documented: dict[str, str]) -> Argument:
    text = documented.get(each.name, "")
    if each.annotation is not REQUIRED:
        text = each.annotation if isinstance(each.annotation, str) else inspect.formatannotation(each.annotation)
    return _argument(each.name, text, each.default, keyword_only=each.kind is each.KEYWORD_ONLY)


def _argument(name: str, text: str, default: Any, *, keyword_only: bool) -> Argument:
    kind = _kind(text) if text else _kind_of_value(default)
    optional = kind == "tensor" and (default is None or "None" in text or "Optional" in text)
    return Argument(name=name, kind=kind, type=text, default=default, optional=optional, keyword_only=keyword_only)


_KINDS: tuple[tuple[Kind, str], ...] = (
    ("other", r"(?i)list|sequence|tuple|\[\]|dict|callable|dtype"),
    ("tensor", r"\bTensor\b"),
    ("bool", r"\bbool\b"),
    ("float", r"\b([Ff]loat|[Ss]calar|[Nn]umber)\b"),
    ("int", r"\b(int|SymInt)\b"),
)


def _kind(text: str) -> Kind:
    """What a type's text means. An optional number is something else: its default, None, is no number."""
    plain = text.replace("torch.", "")
    kind = next((kind for kind, pattern in _KINDS if re.search(pattern, plain)), "other")
    return "other" if kind != "tensor" and re.search(r"None|Optional|\?", plain) else kind


def _kind_of_value(default: Any) -> Kind:
    if default is REQUIRED:
        return "tensor"
    for kind, cls in (("bool", bool), ("int", int), ("float", float)):
        if isinstance(default, cls):
            return kind  # type: ignore[return-value]
    return "other"


_PREFIXES = {"torch.linalg": "linalg_", "torch.special": "special_", "torch.fft": "fft_"}
"""What the names of operators have before those of the functions of a module."""


def _from_aten(path: str, value: Any) -> list[Argument]:
    """From the operator of that name: what is written in C++ is called like its operator."""
    import torch

    module, _, name = path.rpartition(".")
    packet = getattr(torch.ops.aten, _PREFIXES.get(module, "") + name, None)
    names = [each.name for each in _from_documentation(name, value)]
    try:
        overload = _overload(packet, names) if packet is not None else None
    except FunctionError:
        return []
    return list(_from_schema(overload._schema)) if overload is not None else []


_FIRST_LINE = re.compile(r"\s*(?P<name>\w+)\((?P<arguments>.*?)\)\s*(->|$)", re.S | re.M)
_TYPED = re.compile(r"^\s+(\w+) \(([^)]*)\)\s*:", re.M)


def _from_documentation(name: str, value: Any) -> list[Argument]:
    """From the first line of a docstring, `name(input, dim=None) -> Tensor`, and the list of arguments below."""
    found = _FIRST_LINE.match(value.__doc__ or "")
    if found is None or found["name"] != name:
        return []
    try:
        (function,) = ast.parse(f"def f({found['arguments']}): ...").body
        arguments = function.args  # type: ignore[attr-defined]
        defaults = [ast.literal_eval(each) for each in arguments.defaults]
        keyword_defaults = [REQUIRED if each is None else ast.literal_eval(each) for each in arguments.kw_defaults]
    except (SyntaxError, ValueError):
        return []
    if arguments.vararg is not None:
        return []
    types = dict(_documented_types(value))
    positional = [each.arg for each in arguments.args]
    defaults = [REQUIRED] * (len(positional) - len(defaults)) + defaults
    keywords = [each.arg for each in arguments.kwonlyargs]
    return [
        *(_argument(a, types.get(a, ""), b, keyword_only=False) for a, b in zip(positional, defaults, strict=True)),
        *(
            _argument(a, types.get(a, ""), b, keyword_only=True)
            for a, b in zip(keywords, keyword_defaults, strict=True)
        ),
    ]


def _documented_types(value: Any) -> Iterator[tuple[str, str]]:
    """`weight (Tensor, optional): …` of a docstring."""
    for name, text in _TYPED.findall(getattr(value, "__doc__", None) or ""):
        yield name, text.replace("optional", "Optional")
