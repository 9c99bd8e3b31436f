"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..diagnostics.fix import Suggestion

_LONGEST = 80
"""Of a word that is compared with others, which takes time that grows with the square."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """A help line that names the known word nearest to `word`, or `otherwise` where none is near.

    Where only one is near, the line is a Suggestion, from which a fix is made.
    """
    near = get_close_matches(word, dict.fromkeys(known), n=2, cutoff=0.6) if len(word) <= _LONGEST else []
    if not near:
        return otherwise
    text = f"did you mean `{near[0]}`?"
    return Suggestion(text, wrong=word, near=near[0]) if len(near) == 1 else text
