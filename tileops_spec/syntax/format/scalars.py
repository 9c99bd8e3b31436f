"""Scalars of YAML as text: without quotes where that is possible, else in those that need no escapes."""

from __future__ import annotations

import re
from textwrap import TextWrapper

from ...source.plain import plain_value
from .layout import STEP

LINE_BREAK = re.compile(r"\r\n|\r|\n")

_PLAIN = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^\s,\[\]{}]))(?:[^\n]*[^\s])?")
_MARKS = re.compile(r":(?:\s|\Z)|\s#|[\t\x85\u2028\u2029\ufeff]")
_FLOW_MARKS = re.compile(r"[,\[\]{}:?]")
_SHOWN = "\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_UNPRINTABLE = re.compile(f"[^{_SHOWN}]")
_UNPRINTABLE_LINES = re.compile(f"[^\t\n{_SHOWN}]")
_ESCAPES = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_NEEDS_ESCAPE = re.compile(rf'["\\]|{_UNPRINTABLE.pattern}')
_INDENTED = re.compile(r"\n*[ \t]")
_EDGES = re.compile(r"\s*\Z|.*\n[ \t]*\n\Z|.*\n[ \t]+\Z", re.S)


def is_plain(text: str, *, flow: bool) -> bool:
    """Whether YAML reads the text without quotes as it stands, though not necessarily as text; `flow`: in brackets."""
    if not _PLAIN.fullmatch(text) or _MARKS.search(text):
        return False
    return not (flow and _FLOW_MARKS.search(text))


def one_line(value: str, *, flow: bool) -> str:
    """A text on one line: plain, else in double quotes, or in single ones where double quotes took escapes."""
    if is_plain(value, flow=flow) and isinstance(plain_value(value), str):
        return value
    if not _NEEDS_ESCAPE.search(value):
        return f'"{value}"'
    if not _UNPRINTABLE.search(value) and "'" not in value:
        return f"'{value}'"
    return f'"{_NEEDS_ESCAPE.sub(_escaped, value)}"'


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    code = ord(char)
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def literal(value: str, indent: int) -> tuple[str, list[str]] | None:
    """The header and the lines of a `|` block; None for a text that such a block does not hold well."""
    if _UNPRINTABLE_LINES.search(value) or _EDGES.match(value):
        return None
    indicator = str(STEP) if _INDENTED.match(value) else ""
    lines = value.removesuffix("\n").split("\n")
    return f"|{indicator}{'' if value.endswith(chr(10)) else '-'}", indented(lines, indent)


def folded(value: str, lines: list[str], indent: int) -> tuple[str, list[str]] | None:
    """The header and the lines of a `>` block; None where the lines do not come to the text when they are joined."""
    if " ".join(lines) != value or _UNPRINTABLE.search(value) or not all(line.strip() == line != "" for line in lines):
        return None
    return ">-", indented(lines, indent)


def wrapped(value: str, width: int) -> list[str]:
    """The words of a sentence on lines of `width` columns."""
    wrapper = TextWrapper(width=width, break_long_words=False, break_on_hyphens=False, expand_tabs=False)
    return wrapper.wrap(value)


def indented(lines: list[str], indent: int) -> list[str]:
    return [" " * indent + line if line else line for line in lines]
