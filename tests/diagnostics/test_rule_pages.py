"""Every code has its page, and the lists on the pages are the registries'."""

from __future__ import annotations

from pathlib import Path

import pytest

from tileops_spec.diagnostics.codes import CODES
from tileops_spec.hardware import TARGETS
from tileops_spec.ir.dtypes import DTYPES
from tileops_spec.ir.functions import AXISWISE, ELEMENTWISE, REDUCTIONS


def _page(root: Path, code: str) -> str:
    return (root / "docs" / "rules" / f"{code}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_page(root: Path, code: str) -> None:
    page = _page(root, code)
    assert page.startswith(f"# {code} {CODES[code].name}\n")
    assert "\n## Example\n" in page
    assert "\n## What to do\n" in page


def test_no_page_without_a_code(root: Path) -> None:
    assert {path.stem for path in (root / "docs" / "rules").glob("*.md")} == set(CODES)


@pytest.mark.parametrize(
    ("code", "words"),
    [("TS104", set(DTYPES)), ("TS106", {*ELEMENTWISE, *REDUCTIONS, *AXISWISE}), ("TS118", set(TARGETS))],
)
def test_lists_are_complete(root: Path, code: str, words: set[str]) -> None:
    listed = set(_page(root, code).replace(",", " ").replace(".", " ").replace(":", " ").split())
    assert words <= listed
