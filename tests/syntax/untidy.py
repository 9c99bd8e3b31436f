"""Specs as nobody should write them: odd spacing, quotes and line breaks, and comments wherever one may stand."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

NAMES = ("x", "scale", "K", "_m1", "order", "nota", "é")
NUMBERS = ("0", "12", "1e-6", ".5", "3.", "0xFF", "2.50E+3")
BINARY = ("+", "-", "*", "/", "//", "%", "^", "<", "<=", "==", "!=", "|", "&", "<<", ">>", "and", "or")
SAFE = re.compile(r"[A-Za-z0-9_(](?:[A-Za-z0-9_ .+*/^<>=()%|&~-]*[A-Za-z0-9_).])?")
"""What is surely plain, in brackets too."""


class Untidy:
    """Writes with a source of chance. Every comment holds a number of its own: `comments` is how many there are."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.comments = 0

    def maybe(self, likely: float = 0.3) -> bool:
        return self.chance.random() < likely

    def comment(self) -> str:
        self.comments += 1
        words = self.chance.choice(("why", "a: [b", "# 'quoted\"", "{x} |", "- y  ", "tospec: ignore[TS121] so", ""))
        return f"# k{self.comments}k {words}"

    def gap(self, least: int = 0) -> str:
        return " " * self.chance.choice((least, 1, 1, 1, 2, 5))

    # Strings of the language

    def expression(self, depth: int) -> list[str]:
        """Tokens."""
        pick = self.chance.randrange(7) if depth else 0
        if pick == 0:
            return [self.chance.choice((*NAMES, *NAMES, *NUMBERS, "true"))]
        inner = self.expression(depth - 1)
        if pick == 1:
            return [self.chance.choice("-+~"), *inner]
        if pick == 2:
            return ["(", *(["not"] if self.maybe() else []), *inner, ")"]
        if pick == 3:
            return [self.chance.choice(NAMES), "(", *self.listed(depth), ")"]
        if pick == 4:
            return [self.chance.choice(NAMES), "[", *self.listed(depth), "]"]
        if pick == 5:
            return ["sum", "[", *self.listed(0), "]", "(", *self.listed(depth), ")"]
        return [*inner, self.chance.choice(BINARY), *self.expression(depth - 1)]

    def listed(self, depth: int) -> list[str]:
        """Expressions with commas, perhaps one too many."""
        tokens = self.expression(max(0, depth - 1))
        while self.maybe():
            tokens += [",", *(["*", "S"] if depth == 0 and self.maybe() else self.expression(max(0, depth - 2)))]
        return [*tokens, ","] if self.maybe(0.1) else tokens

    def statement(self) -> list[str]:
        sides = self.expression(self.chance.randrange(6))
        return [self.chance.choice(NAMES), "[", *self.listed(0), "]", self.chance.choice(("=", "+=")), *sides]

    def string(self, tokens: list[str], breaks: float = 0.0, column: int = 0) -> str:
        """The tokens with space between them, and with line breaks to columns from `column` on."""
        text = tokens[0]
        for before, token in pairwise(tokens):
            words = re.fullmatch(r"[\w.]", before[-1]) and re.fullmatch(r"[\w.]", token[0])
            text += self.line_break(column) if self.maybe(breaks) else self.gap(1 if words else 0)
            text += token
        return text

    def line_break(self, column: int) -> str:
        comment = self.gap(1) + self.comment() if self.maybe() else ""
        lines = [" " * (column + self.chance.randrange(9)) + self.comment() for _ in range(3) if self.maybe(0.1)]
        blank = "\n" if self.maybe(0.1) else ""
        return "\n".join((comment, *lines, "")) + blank + " " * (column + self.chance.randrange(8))

    def math(self) -> str:
        """A literal block."""
        column = self.chance.randrange(1, 6)
        text = "|" + (self.gap(1) + self.comment() if self.maybe(0.1) else "") + "\n"
        for _ in range(self.chance.randrange(1, 4)):
            while self.maybe():
                text += "\n" if self.maybe() else " " * column + self.comment() + "\n"
            text += " " * column + self.string(self.statement(), 0.1, column + 1)
            text += (self.gap(1) + self.comment() if self.maybe() else "") + "\n"
        return text

    # YAML

    def quoted(self, text: str, flow: bool) -> str:
        if SAFE.fullmatch(text) and not re.search(r"\s#|:", text) and self.maybe(0.6):
            return text
        if not flow and re.fullmatch(r"[A-Za-z][\w \[\],*=.-]*[\w\]]", text) and self.maybe(0.6):
            return text
        return f"'{text}'" if "'" not in text and self.maybe(0.5) else f'"{text}"'

    def spread(self, indent: int) -> str:
        """White space inside brackets, where lines may break."""
        if self.maybe(0.7):
            return self.gap()
        comment = self.gap(1) + self.comment() if self.maybe(0.4) else ""
        return f"{comment}\n{' ' * (indent + 1 + self.chance.randrange(6))}"

    def flow(self, value: object, indent: int) -> str:
        space = lambda: self.spread(indent)  # noqa: E731
        if isinstance(value, dict):
            entries = [f"{key}:{self.gap(1)}{self.flow(child, indent)}" for key, child in value.items()]
        elif isinstance(value, list):
            entries = [self.flow(child, indent) for child in value]
        else:
            return self.quoted(value, True) if isinstance(value, str) else str(value).lower()
        inside = "".join(f"{space()}{entry}{space()}," for entry in entries)
        text = (inside if self.maybe() else inside[:-1]) + space()
        return f"{{{text}}}" if isinstance(value, dict) else f"[{text}]"

    def between(self, indent: int) -> str:
        """What may stand above an entry: comments at any column, blank lines."""
        text = ""
        while self.maybe(0.25):
            text += "\n" if self.maybe() else " " * self.chance.randrange(indent + 4) + self.comment() + "\n"
        return text

    def after(self) -> str:
        return (self.gap(1) + self.comment() if self.maybe(0.2) else self.gap()) + "\n"

    def block(self, value: dict | list, indent: int) -> str:
        text = ""
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            head = f"{key}:" if isinstance(value, dict) else "-"
            text += self.between(indent) + " " * indent + head + self.entry(key, child, indent)
        return text

    def entry(self, key: object, child: object, indent: int) -> str:
        """What follows a key or a dash."""
        deeper = indent + self.chance.randrange(1, 4)
        if key == "math":
            return self.gap(1) + self.math()
        if isinstance(child, (dict, list)) and child and self.maybe(0.6):
            return self.after() + self.block(child, deeper)
        gap = self.after() + self.between(indent) + " " * deeper if self.maybe(0.1) else self.gap(1)
        return gap + self.flow(child, indent) + self.after()

    def spec(self) -> str:
        """A file. Its shapes and types fit nothing: the formatter does not ask."""
        one = lambda depth=2: self.string(self.expression(self.chance.randrange(depth + 1)))  # noqa: E731
        shape = lambda: "T" + self.string(["[", *self.listed(0), "]"])  # noqa: E731
        few = lambda make: [make() for _ in range(self.chance.randrange(1, 4))]  # noqa: E731
        named = lambda make: dict(zip("abcd", few(make), strict=False))  # noqa: E731
        keys = {
            "op": "probe",
            "summary": " ".join(["words"] * self.chance.randrange(1, 60)),
            "constants": named(one),
            "dtypes": {"T": self.string(["f16", "|", "bf16"]), "U": "f32"},
            "inputs": named(shape),
            "params": named(lambda: "f32" + self.gap() + "=" + one()),
            "where": few(one),
            "math": None,
            "reference": {"torch": "torch.foo(x, y)[0]"},
            "workloads": few(lambda: {"name": "a b", "M": self.chance.randrange(9), "S": [1, 2], "flag": True}),
            "other": [{"a": [], "b": {}}, [["1", 2], {"c": "x y"}], "true"],
        }
        order = list(keys)
        self.chance.shuffle(order)
        kept = {key: keys[key] for key in order if self.maybe(0.6)} or {"op": "probe"}
        text = self.block(kept, 0) + self.between(0)
        return text.replace("\n", "\r\n") if self.maybe(0.1) else text
