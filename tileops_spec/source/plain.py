"""What an unquoted word of YAML means, under YAML 1.2's core schema."""

from __future__ import annotations

import re
from collections.abc import Callable

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"(?P<decimal>[-+]?[0-9]+)|(?P<octal>0o[0-7]+)|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<named>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_MOST_DIGITS = 1000
_READ: dict[str | None, Callable[[str], int | float]] = {
    "decimal": int,
    "octal": lambda text: int(text, 8),
    "hexadecimal": lambda text: int(text, 16),
    "float": float,
    "named": lambda text: float(text.replace(".", "")),
}


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar; a number too long for Python to read, or to write, stays text."""
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    return text if number is None or len(text) > _MOST_DIGITS else _READ[number.lastgroup](text)
