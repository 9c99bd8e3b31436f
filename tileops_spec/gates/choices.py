"""The tunables of a kernel.py, other than their defaults: each of them may be chosen when the kernel is tuned."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics.text import SourceText
from ..scaffold.body import Tunable
from ..scaffold.regions import extract_body


def other_choices(kernel: SourceText) -> Iterator[dict[str, Tunable]]:
    """Each candidate that is no default, alone: the other tunables keep theirs."""
    for name, candidates in extract_body(kernel.text, path=kernel.path).tunables:
        for candidate in candidates[1:]:
            yield {name: candidate}
