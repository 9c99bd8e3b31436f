"""TS403: the attributes and options that a body may use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches

from ...diagnostics.diagnostic import Diagnostic
from ..allowlist import MATH_NAMES, NESTED, REFUSED_OPTIONS, TILE_NAMES, VALUE_ATTRIBUTES, refusal
from .source import Source


def check_attributes(source: Source) -> Iterator[Diagnostic]:
    """Attributes outside the allowlist: of `T`, of `math` where kernel.py imports it, and of everything else."""
    for node in source.nodes:
        if not isinstance(node, ast.Attribute) or _is_allowed(source, node):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "T":
            message = f"`T.{node.attr}` is not among the operations that a body may use"
            help_text = _misspelt(node.attr) or refusal(node.attr) or _near_operation(node.attr)
        else:
            message = f"the attribute `{node.attr}` is not one that a body may use"
            help_text = "attributes stand on `T` alone; a value is converted by `T.cast(x, dtype)`"
        yield source.finding("TS403", node, message, help_text)


def _is_allowed(source: Source, node: ast.Attribute) -> bool:
    match node.value:
        case ast.Name(id="T"):
            return node.attr in TILE_NAMES
        case ast.Name(id="math") if source.has_math:
            return node.attr in MATH_NAMES
        case ast.Attribute(value=ast.Name(id="T"), attr=name):
            return node.attr in NESTED.get(name, ())
    return node.attr in VALUE_ATTRIBUTES


def _misspelt(name: str) -> str | None:
    near = get_close_matches(name, sorted(TILE_NAMES), n=1, cutoff=0.85)
    return f"did you mean `T.{near[0]}`?" if near else None


def _near_operation(name: str) -> str:
    near = get_close_matches(name, sorted(TILE_NAMES), n=3)
    return f"near it: {', '.join(f'`T.{each}`' for each in near)}" if near else "the prompt's reference lists them"


def check_keywords(source: Source) -> Iterator[Diagnostic]:
    """Options of allowed operations that open a door nevertheless."""
    for node in source.nodes:
        if isinstance(node, ast.keyword) and node.arg in REFUSED_OPTIONS:
            message = f"the option `{node.arg}` is not one that a body may use"
            yield source.finding("TS403", node, message, REFUSED_OPTIONS[node.arg])
