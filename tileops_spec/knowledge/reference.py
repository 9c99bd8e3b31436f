"""The page on TileLang that every prompt holds, and the code fragments in it.

The page is Markdown with two kinds of marks in HTML comments, which the prompt leaves out: `<!-- frame -->` before
the fragment that others stand in, `<!-- shows: a b -->` before a fragment whose CUDA must hold those tokens.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache

from ..resources import resource

_MARK = re.compile(r"^<!--.*?-->\n", re.MULTILINE)
_FRAGMENT = re.compile(r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\bT\.([A-Za-z_]\w*)")
_PLACE = "# a fragment of this page stands here"


@dataclass(frozen=True, slots=True)
class Fragment:
    """One piece of code of the page as a whole body, the line of the page it starts on, and what its CUDA shows."""

    code: str
    line: int
    shows: tuple[str, ...]


@lru_cache(maxsize=1)
def _page() -> str:
    return resource("patterns", "reference.md").read_text(encoding="utf-8")


def load_reference() -> str:
    """The page as a prompt holds it: without marks."""
    return _MARK.sub("", _page()).strip() + "\n"


def reference_names() -> tuple[str, ...]:
    """Every name of `T` that the page mentions, sorted."""
    return tuple(sorted(set(_NAME.findall(_page()))))


def reference_fragments() -> tuple[Fragment, ...]:
    """The fragments of the page, each as a body that lowers by itself."""
    found = list(_FRAGMENT.finditer(_page()))
    frame = next(each["code"] for each in found if each["mark"] == "frame")
    return tuple(_fragment(each, frame) for each in found if each["mark"] != "frame")


def _fragment(found: re.Match[str], frame: str) -> Fragment:
    mark = found["mark"] or ""
    shows = tuple(mark.removeprefix("shows:").split()) if mark.startswith("shows:") else ()
    line = found.string.count("\n", 0, found.start("code")) + 1
    return Fragment(code=_in_frame(found["code"], frame), line=line, shows=shows)


def _in_frame(code: str, frame: str) -> str:
    if code.startswith("with T.Kernel"):
        return code
    return frame.replace(f"    {_PLACE}\n", textwrap.indent(code, "    "))
