"""Every mutant of a body, each once."""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass

from ...ir.spec import Spec
from ...scaffold.body import Body
from ..sample import sample
from .operators import OPERATORS
from .sites import Sites, names_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One seeded error: `kind` names its operator, `line` is the body's, from 1; `code` is the whole body with it."""

    kind: str
    line: int
    change: str
    code: str


def mutants_of(spec: Spec, body: Body, *, limit: int | None = None, seed: int = 0) -> list[Mutant]:
    """The mutants whose syntax trees differ, from the body's and from each other's; what is no Python is left out.

    At most `limit`, drawn so that every kind keeps its share; the same for the same arguments.
    """
    sites = Sites(body.code, names_of(spec, body))
    found: dict[str, Mutant] = {ast.dump(sites.tree): _unchanged(body)}
    for operator in OPERATORS:
        for edit in operator.find(sites):
            code = sites.apply(edit)
            meaning = _dumped(code)
            if meaning is not None:
                change = f"{_short(sites.before(edit))} → {_short(edit.text)}"
                mutant = Mutant(kind=operator.name, line=sites.line(edit), change=change, code=code)
                found.setdefault(meaning, mutant)
    mutants = [each for each in found.values() if each.kind]
    return mutants if limit is None else list(sample(mutants, limit, random.Random(f"{spec.op}:{seed}")))


def _unchanged(body: Body) -> Mutant:
    return Mutant(kind="", line=0, change="", code=body.code)


def _dumped(code: str) -> str | None:
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:
        return None


def _short(text: str) -> str:
    """One line of it: all of it where it is short."""
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:60]} … {line[-35:]}"
