"""Fenced code blocks in Markdown, as models write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """`language` in lower case, "" where none is given; lines `[first, last]` of the text, from 0, fences included."""

    language: str
    code: str
    first: int
    last: int


class UnclosedBlock(Exception):
    """A block is opened on `line` (from 1) and never closed."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def find_blocks(text: str) -> list[Block]:
    """The blocks in order; a fence closes with at least as many of its own marks. Raises UnclosedBlock."""
    lines = text.split("\n")
    blocks: list[Block] = []
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening:
            blocks.append(_read_block(lines, number, opening))
            number = blocks[-1].last
        number += 1
    return blocks


def _read_block(lines: list[str], first: int, opening: re.Match[str]) -> Block:
    for last in range(first + 1, len(lines)):
        closing = _FENCE.match(lines[last])
        if closing and not closing["info"].strip() and closing["fence"].startswith(opening["fence"]):
            words = opening["info"].split()
            language = words[0].lower() if words else ""
            return Block(language, "\n".join(lines[first + 1 : last]) + "\n", first, last)
    raise UnclosedBlock(first + 1)


def outside_blocks(text: str, blocks: list[Block]) -> str:
    """The text without its blocks."""
    inside = {number for block in blocks for number in range(block.first, block.last + 1)}
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in inside)
