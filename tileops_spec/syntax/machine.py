"""Runs the grammar's LALR tables over a part of a text.

Lark's own machine makes a token object, a tree node and a pass over the tree for what is here a lookup: it takes four
times as long (docs/decisions/0006-lint-speed.md). Both read the same tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..diagnostics.text import Span
from .tables import END, Tables

Build = Callable[[Span, list], Any]


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Unexpected(Exception):
    """The text at `start … end` cannot follow; `accepted` are the kinds of token that could.

    It is None where the text is no token at all.
    """

    def __init__(self, start: int, end: int, accepted: frozenset[str] | None) -> None:
        super().__init__(start, end)
        self.start, self.end, self.accepted = start, end, accepted


def run(tables: Tables, builders: Sequence[Build], entry: str, text: str, span: Span) -> Any:
    """What `builders`, one a rule, make of `text` at `span`; Unexpected where it is not what `entry` says.

    A builder takes the place of its rule, from its first token to its last, and its parts.
    """
    machine = _Machine(tables, builders, entry, span)
    position = span.start
    match, ignored = tables.token.match, tables.ignored
    while position < span.end:
        found = match(text, position, span.end)
        if found is None:
            raise Unexpected(position, position + 1, None)
        kind, end = found.lastgroup, found.end()
        if kind not in ignored:
            if kind not in machine.expected:
                kind, end = machine.in_context(text, Token(kind, "", position, end), span.end)
            machine.feed(Token(kind, text[position:end], position, end))
        position = end
    machine.feed(Token(END, "", span.end, span.end))
    return machine.values[-1]


class _Machine:
    """The stacks: states, and beside all but the first of them values and where each begins."""

    def __init__(self, tables: Tables, builders: Sequence[Build], entry: str, span: Span) -> None:
        self.table, self.rules, self.terminals = tables.states, tables.rules, tables.terminals
        self.builders, self.path = builders, span.path
        first, self.last = tables.entries[entry]
        self.states = [first]
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.end = span.start

    @property
    def expected(self) -> dict[str, int]:
        return self.table[self.states[-1]]

    def in_context(self, text: str, found: Token, end: int) -> tuple[str, int]:
        """Kind and end of a token that may stand where `found` may not: `=` is not of the same kind everywhere."""
        for kind in (kind for kind in self.terminals if kind in self.expected):
            other = _compiled(self.terminals[kind]).match(text, found.start, end)
            if other:
                return kind, other.end()
        return found.kind, found.end

    def feed(self, token: Token) -> None:
        table, states, kind = self.table, self.states, token[0]
        while True:
            action = table[states[-1]].get(kind)
            if action is None:
                raise Unexpected(token.start, token.end, self.accepted())
            if action >= 0:
                states.append(action)
                self.values.append(token)
                self.starts.append(token[2])
                self.end = token[3]
                return
            rule = self.rules[~action]
            if rule.unit:
                states[-1] = table[states[-2]][rule.origin]
            else:
                self.reduce(~action)
            if kind == END and states[-1] == self.last:
                return

    def reduce(self, number: int) -> None:
        """Replace the parts of a rule by what its builder makes of them."""
        rule, values = self.rules[number], self.values
        first = len(values) - rule.size
        start = self.starts[first] if rule.size else self.end
        parts = self.parts(first, rule.parts)
        del self.states[first + 1 :], values[first:], self.starts[first:]
        if not rule.node:
            value: Any = parts
        elif rule.single and len(parts) == 1:
            value = parts[0]
        else:
            value = self.builders[number](Span(self.path, start, self.end), parts)
        self.states.append(self.table[self.states[-1]][rule.origin])
        values.append(value)
        self.starts.append(start)

    def parts(self, first: int, places: tuple[tuple[int, bool] | None, ...]) -> list[Any]:
        parts: list[Any] = []
        for place in places:
            if place is None:
                parts.append(None)
            elif not place[1]:
                parts.append(self.values[first + place[0]])
            elif parts:
                parts += self.values[first + place[0]]
            else:
                parts = self.values[first + place[0]]  # a list that nothing else holds: it grows in place
        return parts

    def accepted(self) -> frozenset[str]:
        """The kinds of token after which the machine could go on."""
        return frozenset(kind for kind in self.expected if kind == END or kind in self.terminals if self.accepts(kind))

    def accepts(self, kind: str) -> bool:
        """Whether a token leads to a shift; a state may reduce first and only then see that it does not."""
        states = list(self.states)
        while True:
            action = self.table[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            rule = self.rules[~action]
            del states[len(states) - rule.size :]
            states.append(self.table[states[-1]][rule.origin])
            if kind == END and states[-1] == self.last:
                return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
