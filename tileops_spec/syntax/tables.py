"""The LALR tables of the grammar: Lark makes them, the user's cache keeps them, `machine` runs them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..resources import resource
from ..source.kept import keep, read_kept, user_cache

if TYPE_CHECKING:
    from lark import Lark
    from lark.grammar import Rule as LarkRule

END = "$END"
_FORMAT = 1
_MOST_KEPT = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """One alternative of a grammar rule.

    `parts` are what its node is built from: places on the right side, each with whether what stands there is a list to
    be spliced in, and None for what was left out in brackets. `node` names the node; "" for a list that is spliced into
    what is around it. `unit` rules stand for their only part; `single` ones do where they come to have one part.
    """

    origin: str
    size: int
    node: str
    unit: bool
    single: bool
    parts: tuple[tuple[int, bool] | None, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """`states[s][symbol]` is the state to go to, or `~r` to reduce by rule r; `entries` give first and last state."""

    states: tuple[dict[str, int], ...]
    rules: tuple[Rule, ...]
    entries: dict[str, tuple[int, int]]
    terminals: dict[str, str]
    ignored: frozenset[str]
    token: re.Pattern[str]
    """All terminals, those first that go before others."""


@lru_cache(maxsize=8)
def load_tables(entries: tuple[str, ...]) -> Tables:
    """The tables for these entry points: from the cache where it has them, else made and kept."""
    grammar = resource("grammar", "spec.lark").read_text(encoding="utf-8")
    folder = user_cache()
    path = folder / f"grammar-{_key(grammar, entries)}.json" if folder else None
    tables = _from_json(read_kept(path)) if path else None
    if tables is None:
        made = _make(grammar, entries)
        tables = _from_json(made)
        if path:
            keep(path, made)
            _prune(path.parent)
    assert tables is not None
    return tables


def _key(grammar: str, entries: tuple[str, ...]) -> str:
    """The hash of what the tables depend on; Lark's version is read from its file, since importing it takes longer."""
    lark = find_spec("lark")
    version = Path(lark.origin).read_bytes() if lark and lark.origin else b""
    parts = (str(_FORMAT), *entries, grammar)
    return sha256("\0".join(parts).encode() + version).hexdigest()[:24]


def _prune(folder: Path) -> None:
    """Leave the newest few: each version of the grammar has a file."""
    try:
        kept = sorted(folder.glob("grammar-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[_MOST_KEPT:]:
            path.unlink()
    except OSError:
        return


def _from_json(content: Any) -> Tables | None:
    if content is None:
        return None
    terminals = content["terminals"]
    return Tables(
        states=tuple(content["states"]),
        rules=tuple(_rule(*row) for row in content["rules"]),
        entries={entry: (first, last) for entry, (first, last) in content["entries"].items()},
        terminals=terminals,
        ignored=frozenset(content["ignored"]),
        token=re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in terminals.items())),
    )


def _rule(origin: str, size: int, node: str, unit: bool, single: bool, parts: list) -> Rule:
    places = tuple(None if part is None else (part[0], part[1]) for part in parts)
    return Rule(origin, size, node, unit, single, places)


def make_lark(grammar: str, entries: tuple[str, ...]) -> Lark:
    """Lark's own parser of the grammar."""
    from lark import Lark

    return Lark(grammar, parser="lalr", start=list(entries), maybe_placeholders=True)


def _make(grammar: str, entries: tuple[str, ...]) -> dict[str, Any]:
    """The tables as JSON."""
    from lark.parsers.lalr_analysis import Shift

    lark = make_lark(grammar, entries)
    table = lark.parser.parser._parse_table
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    order = sorted(lark.terminals, key=_precedence)
    return {
        "states": [
            {symbol: arg if action is Shift else ~numbers[arg] for symbol, (action, arg) in table.states[state].items()}
            for state in range(len(table.states))
        ],
        "rules": [_row(rule) for rule in lark.rules],
        "entries": {entry: [table.start_states[entry], table.end_states[entry]] for entry in entries},
        "terminals": {terminal.name: terminal.pattern.to_regexp() for terminal in order},
        "ignored": list(lark.ignore_tokens),
    }


def _precedence(terminal: Any) -> tuple:
    """Lark's order of terminals."""
    pattern = terminal.pattern
    return (-terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name)


def _row(rule: LarkRule) -> list:
    """A Lark rule as the arguments of `_rule`; Lark's `?` and `_` rules keep their meaning."""
    origin = rule.origin.name
    parts = _parts(rule)
    single = bool(rule.options.expand1 and not rule.alias)
    node = "" if origin.startswith("_") else rule.alias or origin
    return [origin, len(rule.expansion), node, single and parts == [[0, False]], single, parts]


def _parts(rule: LarkRule) -> list[list | None]:
    left_out = rule.options.empty_indices or [False] * len(rule.expansion)
    parts: list[list | None] = []
    place = 0
    for is_left_out in left_out:
        if is_left_out:
            parts.append(None)
            continue
        symbol = rule.expansion[place]
        if not (symbol.is_term and symbol.filter_out):
            parts.append([place, not symbol.is_term and symbol.name.startswith("_")])
        place += 1
    return parts
