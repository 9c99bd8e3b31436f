"""TS403: text in a body is names of dtypes, scopes and options; anything longer could be code for another compiler."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from .source import Source

_SENTENCE = re.compile(r"[\w \t.,:;%=<>()+\-*/'!?]{1,200}")
_LONGEST_WORD = 40


def check_words(source: Source) -> Iterator[Diagnostic]:
    """Every text but words and the messages of asserts."""
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and not _is_harmless(source, node):
            message = "a body holds no text but names of dtypes, scopes and options"
            yield source.finding("TS403", node, message, "inline assembly and foreign source are refused")


def is_word(text: str | bytes) -> bool:
    """Whether a text can be no more than a name."""
    plain = isinstance(text, str) and len(text) <= _LONGEST_WORD
    return plain and all(char.isalnum() or char in "_." for char in text)  # type: ignore[union-attr]


def _is_harmless(source: Source, node: ast.Constant) -> bool:
    """A message ends up in a string of the generated code where the condition is not static: quotes would end it."""
    parent = source.parents.get(node)
    is_message = isinstance(parent, ast.Assert) and parent.msg is node and isinstance(node.value, str)
    return is_word(node.value) or (is_message and _SENTENCE.fullmatch(node.value) is not None)
