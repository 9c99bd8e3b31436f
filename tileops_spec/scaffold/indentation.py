"""Moving Python code to another depth without touching the text inside its strings."""

from __future__ import annotations

import io
import re
import tokenize


def indent_code(code: str, depth: int) -> str:
    """Every line that is code `depth` spaces deeper; blank lines and lines inside a string stay."""
    inside = _lines_inside_strings(code)
    lines = code.split("\n")
    return "\n".join(
        line if number in inside or not line.strip() else " " * depth + line
        for number, line in enumerate(lines, start=1)
    )


def dedent_code(code: str) -> str:
    """The code with its common indentation removed, no blank lines around it, and one line break at its end."""
    code = re.sub(r"\A(?:[ \t]*\n)+", "", code.replace("\r\n", "\n")).rstrip() + "\n"
    inside = _lines_inside_strings(code)
    lines = code.split("\n")
    moved = [number for number, line in enumerate(lines, start=1) if line.strip() and number not in inside]
    depth = min((_depth(lines[number - 1]) for number in moved), default=0)
    for number in moved:
        lines[number - 1] = lines[number - 1][depth:]
    return "\n".join("" if not line.strip() and n not in inside else line for n, line in enumerate(lines, start=1))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _lines_inside_strings(code: str) -> frozenset[int]:
    """The lines (from 1) that begin inside a string literal; those up to the first lexical error where there is one."""
    inside: set[int] = set()
    # Under `if True:` indented code is lexically whole; unindented code is as well.
    wrapper = "if True:\n" if code[:1] in " \t" else "\n"
    try:
        opened: list[int] = []
        for token in tokenize.generate_tokens(io.StringIO(wrapper + code).readline):
            if tokenize.tok_name[token.type] in ("FSTRING_START", "TSTRING_START"):
                opened.append(token.start[0])
            elif tokenize.tok_name[token.type] in ("FSTRING_END", "TSTRING_END"):
                inside.update(range(opened.pop() + 1, token.end[0] + 1))
            elif token.type == tokenize.STRING:
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        pass
    return frozenset(number - 1 for number in inside)
