"""What would put a finding right: edits of the file, and suggestions that become edits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .text import Span

Edit = tuple[Span, str]
"""The text at a span gives way to another; an empty span is a place to insert at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Edits of one file that go together. `title` completes the sentence "fix available: …".

    `safe`: the spec means afterwards what its author plainly meant before. An unsafe fix changes what the spec says, or
    guesses, and is for people to look at.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


class Suggestion(str):
    """A help line that names the one word which `wrong` was probably meant to be.

    A finding with such a help line, at a place where `wrong` stands by itself, can be fixed.
    """

    __slots__ = ("near", "wrong")
    wrong: str
    near: str

    def __new__(cls, text: str, *, wrong: str, near: str) -> Suggestion:
        made = super().__new__(cls, text)
        made.wrong, made.near = wrong, near
        return made

    def fix(self, span: Span) -> Fix:
        """The edit that puts the near word in place of the wrong one, which stands at `span`."""
        return Fix(title=f"replace `{self.wrong}` by `{self.near}`", edits=((span, self.near),))


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with every edit made. Raises ValueError where two edits overlap."""
    parts, position = [], 0
    for span, replacement in sorted(edits, key=lambda edit: (edit[0].start, edit[0].end)):
        if span.start < position:
            raise ValueError(f"two edits overlap at offset {span.start}")
        parts += [text[position : span.start], replacement]
        position = span.end
    return "".join((*parts, text[position:]))


def choose_fixes(fixes: Sequence[Fix]) -> list[Fix]:
    """The fixes that can be made together: of two that touch the same place, or say the same, the earlier one."""
    chosen: list[Fix] = []
    taken: list[Span] = []
    for fix in fixes:
        spans = [span for span, _ in fix.edits]
        if spans and not any(_touch(span, other) for span in spans for other in taken):
            chosen.append(fix)
            taken += spans
    return chosen


def _touch(one: Span, other: Span) -> bool:
    """Whether two spans share a character or meet at one place."""
    return one.start <= other.end and other.start <= one.end
