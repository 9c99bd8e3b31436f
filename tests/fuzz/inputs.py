"""Inputs made of a fuzzer's bytes: each byte is a choice, so that a small change of the bytes is one of the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def _words(text: str) -> list[str]:
    return text.split()


_DTYPES = _words("f16 bf16 f32 f64 e4m3 i8 i32 i64 u8 u32 bool")
_NAMES = _words("T M K A x y m k s b inf pi é")
_FUNCTIONS = _words("exp sqrt clamp min max xor pow floor where pad segment present distinct f16 f32 i8 i32 bool fma")
_REDUCTIONS = _words("sum mean max argmax topk any all softmax cumsum sort logsumexp")
_NUMBERS = _words(
    "0 1 2 7 63 64 128 4096 1e-6 .5 3. 1e999999 0x1F 18446744073709551615 99999999999999999999 1000000000000"
)
_OPERATORS = _words("+ - * / // % ^ & | << >> == != < <= > >= and or")
_SIGNS = _words("( ) [ ] { } , : ; = += # ** @ ! ~ ? ' \" \\ < > <= *s *S true false not dynamic")
_WORDS = [*_DTYPES, *_NAMES, *_FUNCTIONS, *_REDUCTIONS, *_NUMBERS, *_OPERATORS, *_SIGNS]
_KEYS = "op summary family status constants dtypes dims inputs outputs params where math reference hardware workloads"
_SPACES = ("", " ", " ", " ", "  ", "\n  ", "\n    ", "\t", "\r\n  ", "\u00a0", "\u200b")


class Choices:
    """Bytes as a row of choices; where they end, every further choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        if not self.left:
            return 0
        self._at += 1
        return self._data[self._at - 1] % limit

    def pick(self, options: Sequence[_T]) -> _T:
        return options[self.below(len(options))]

    def rest(self) -> bytes:
        """What has not been used, as it stands."""
        return self._data[self._at :]


# The mathematics: one string of a sound spec


_FRAMES = (
    ("math: |", "  y[m] = {}", ""),
    ("math: |", "  b[m] = {}", "  y[m] = b[m]"),
    ("math: |", "  y[m] = 1 + sum[k]({})", ""),
    ("math: |", "  r[-1] = 0.0", "  r[t < M] = r[t - 1] + {}", "  y[m] = r[m]"),
    ("math: |", "  {}", "  y[m] = x[m, 0]"),
    ("where: ['{}']", "math: |", "  y[m] = x[m, 0]"),
    ("params: {{p: '{}'}}", "math: |", "  y[m] = x[m, p]"),
    ("params: {{p: 'i32 = {}'}}", "math: |", "  y[m] = x[m, p]"),
    ("constants: {{G: '{}'}}", "math: |", "  y[m] = G * x[m, 0]"),
    ("dtypes: {{U: '{}'}}", "math: |", "  y[m] = U(x[m, 0])"),
    ("where: ['M > {}', 'all[m](i[m] < {})']", "math: |", "  y[m] = x[i[m], 0]"),
    ("math: |", "  y[m] = x[{}, 0]", ""),
    ("math: |", "  y[i[m]] += {}", ""),
    ("workloads: [{{name: w, M: {}, K: 4}}]", "math: |", "  y[m] = x[m, 0]"),
)
_HEAD = "op: probe\nsummary: A probe.\ninputs: {x: '%s', i: 'i32[M]', o: 'f32[M] = 0'}\noutputs: {y: 'f32[M]'}\n"
_SHAPES = ("f32[M, K]", "i32[M, K]", "f16[M, K + 1]", "u8[M, 2 * K]", "bf16[M, M // 2 + K]", "f32[M, %s]")


def mathematics(data: bytes) -> bytes:
    """A spec that is sound but for what the bytes put into one of its strings."""
    choices = Choices(data)
    frame = choices.pick(_FRAMES)
    shape = choices.pick(_SHAPES)
    write: Callable[[Choices], str] = choices.pick((expression, expression, tokens))
    shape = shape.replace("%s", expression(choices, 3))
    parts = [line.replace("{}", write(choices)) if "{}" in line else line for line in frame]
    return (_HEAD % shape + "\n".join(parts).replace("{{", "{").replace("}}", "}") + "\n").encode()


def tokens(choices: Choices, most: int = 60) -> str:
    """Words of the language in any order."""
    text = ""
    for _ in range(most):
        if not choices.left:
            break
        text += choices.pick(_WORDS) + choices.pick(_SPACES)
    return text


def expression(choices: Choices, depth: int = 12) -> str:
    """An expression that parses: deep ones too, since each level takes a byte."""
    kind = choices.below(12) if depth and choices.left else 0
    if kind <= 2:
        return choices.pick((*_NAMES[1:], "x[m, 0]", "x[m, k]", "i[m]", "o[m]", "r[t - 1]", "t", *_NUMBERS, "true"))
    inner = expression(choices, depth - 1)
    if kind <= 6:
        return f"{inner} {choices.pick(_OPERATORS)} {expression(choices, depth - 1)}"
    if kind == 7:
        return f"({inner})"
    if kind == 8:
        return f"{choices.pick(('-', 'not ', '~', '+'))}{inner}"
    if kind == 9:
        return f"{choices.pick(_FUNCTIONS)}({inner}{_more(choices, depth)})"
    if kind == 10:
        return f"{choices.pick(_REDUCTIONS)}[{_variable(choices, depth)}]({inner}{_more(choices, depth)})"
    return f"{choices.pick('xiory')}[{inner}{_more(choices, depth)}]"


def _more(choices: Choices, depth: int) -> str:
    return "".join(f", {expression(choices, depth - 1)}" for _ in range(choices.below(3)))


def _variable(choices: Choices, depth: int) -> str:
    """What stands in the brackets of a reduction."""
    name = choices.pick("kjmh")
    form = choices.pick(("{}", "{} < {}", "{} <= {} < {}", "{} > {}", "*{}", "{}, j < {}"))
    if form.startswith("{} <= {}"):
        return form.format(expression(choices, 2), name, expression(choices, 2))
    return form.format(name, expression(choices, 2)) if form.count("{}") > 1 else form.format(name)


# YAML: a spec whose keys and values are written in any of YAML's ways


_VALUES: dict[str, tuple[object, ...]] = {
    "op": ("probe", "Probe", 7, True, "class"),
    "summary": ("A probe.", "", "é 漢 \u200f", ["a"]),
    "family": ("attention", "X"),
    "status": ("draft", "ready", "done"),
    "constants": ({"G": 128}, {"G": "2 ^ 2 ^ 99", "H": "1 << 1000000000000"}, {"G": "~1.5", "H": "1.5 & 2"}),
    "dtypes": ({"T": "f16 | bf16"}, {"T, U": "(f16, f32) | (bf16, f32)"}, {"T": "f16 | f16"}, {"T": None}),
    "dims": ({"M": "dynamic"}, {"M": "static", "K": 7}, []),
    "inputs": ({"x": "f32[M, K]", "i": "i32[M]"}, {"x": "f32[*M, K]"}, {"x": "f32[M ^ 99, K] = 1 / 0"}, {}),
    "outputs": ({"y": "f32[M]"}, {"y": "f32[]"}, {"x": "f32[M, K]", "y": "i8[K - M]"}),
    "params": ({"p": "f32 = 1e999"}, {"p": "i32 = 1 << 99", "q": "bool = p > 1"}, {"p": 1}),
    "where": (["M % 8 == 0"], ["M > 0", "all[m](i[m] < M)", "M > 0"], ["M == inf"], "M"),
    "math": ("y[m] = sum[k](x[m, k])\n", "y[m] = x[m, 0]\nb[k] = x[0, k]\n", "y[i[m]] += x[m, m]\n", "y = [\n"),
    "reference": ({"torch": "x.sum(1)"}, {"torch": "f(", "numpy": "import os"}, []),
    "hardware": ({"targets": ["sm_90a"], "require": ["wgmma"]}, {"targets": []}, {"target": 1}),
    "workloads": ([{"name": "w", "M": 8, "K": 4}], [{"name": 1, "M": 10**30, "K": 0}], [{}, 3]),
}
_ODD: tuple[object, ...] = (
    None,
    1e400,
    -(10**25),
    "&a x",
    "*a",
    "<<",
    "!!int 3",
    "- x",
    "%YAML 1.1",
    "---",
    "# c",
    "|",
)
_BREAKS = ("\n", "\r\n", "\r", "\n\n", "\n# c\n", " # tospec: ignore[TS121] why\n", "\n---\n", "\x85", "\u2028", "\n\t")


def yaml_file(data: bytes) -> bytes:
    """A file with the keys of a spec, written and disturbed as the bytes say."""
    choices = Choices(data)
    keys = [key for key in _words(_KEYS) if choices.below(8) < 7] + [_key(choices) for _ in range(choices.below(3))]
    entries = {key: choices.pick((*_VALUES.get(key, ()), *_VALUES.get(key, ())[:1] * 6, *_ODD)) for key in keys}
    text = choices.pick(("", "", "", "\ufeff", "---\n", "%YAML 1.2\n---\n", "&a ", "<<: *a\n", "\t"))
    text += _flow(entries, choices) if choices.below(8) == 7 else _block(entries, choices, 0)
    return _disturbed(text, choices).encode("utf-16" if choices.below(64) == 63 else "utf-8", "surrogatepass")


def _key(choices: Choices) -> str:
    return choices.pick(("op", "math", "where", "<<", "*a", "? a", "x y", "оp", "", "'", "inputs", "&b c", "!t k"))


def _block(value: object, choices: Choices, indent: int) -> str:
    """A value in block style; its collections are in flow style where the choice is so."""
    pad = " " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_below(child, choices, indent)}" for key, child in value.items()) or "{}\n"
    if isinstance(value, list):
        return "".join(f"{pad}-{_below(child, choices, indent)}" for child in value) or "[]\n"
    return _scalar(value, choices, indent) + choices.pick(_BREAKS[:1] * 12 + _BREAKS)


def _below(value: object, choices: Choices, indent: int) -> str:
    if not isinstance(value, dict | list) or not value:
        return " " + _block(value, choices, indent)
    if choices.below(3) == 2:
        return f" {_flow(value, choices)}\n"
    return choices.pick(("\n", "\n", "\n", "  # c\n", " &a\n", " !t\n")) + _block(value, choices, indent + 2)


def _flow(value: object, choices: Choices) -> str:
    join = choices.pick((", ", ",", ",\n ", " ,# c\n ", ", , "))
    if isinstance(value, dict):
        return "{" + join.join(f"{key}: {_flow(child, choices)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + join.join(_flow(child, choices) for child in value) + "]"
    return _scalar(value, choices, None)


def _scalar(value: object, choices: Choices, indent: int | None) -> str:
    """A value in plain style, quotes or, where an indent is given, as a block."""
    text = "" if value is None else str(value)
    if "\n" in text and indent is not None and choices.below(8) < 7:
        lines = text.splitlines()
        return choices.pick(("|", "|", "|", "|-", "|+", ">", "|1")) + "\n" + "\n".join(f"  {line}" for line in lines)
    style = choices.below(4)
    if style == 1:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return "'" + text.replace("'", "''") + "'" if style >= 2 else text


def _disturbed(text: str, choices: Choices) -> str:
    """The text with a few characters taken out, put in or written twice."""
    for _ in range(choices.below(4)):
        at = (choices.below(256) * 256 + choices.below(256)) % (len(text) + 1)
        many = choices.below(4)
        piece = choices.pick(
            (*_WORDS, *_BREAKS, *_SPACES, "&a ", "*a", "!t ", "<<: ", "\0", "\ud800", "а", "１", "\u202e")
        )
        text = text[:at] + (text[at : at + 9] if many == 3 else piece) + text[at + many :]
    return text
