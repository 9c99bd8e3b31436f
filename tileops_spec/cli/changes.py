"""How changes of specs are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..deliver.changes import Change, Comparison

_COLOURS = {"API": "red", "numerics": "magenta", "performance": "yellow", "cosmetic": "green"}


def print_comparisons(found: Mapping[Path, Comparison], against: str, output_format: str) -> None:
    """All comparisons as JSON, or a line for each change and one for what follows; unchanged specs are only counted."""
    if output_format == "json":
        click.echo(json.dumps([_as_json(path, each, against) for path, each in found.items()], indent=2))
        return
    for path, comparison in found.items():
        if comparison.changes:
            click.echo("\n".join(comparison_lines(path.stem, comparison)))
    same = sum(not comparison.changes for comparison in found.values())
    if same:
        click.echo(f"{same} spec{'s' if same > 1 else ''} unchanged against {against}", err=True)


def comparison_lines(op: str, comparison: Comparison) -> Iterator[str]:
    """One line a change, those of the highest class first, and the conclusion."""
    width = max((len(change.what) for change in comparison.changes), default=0)
    for change in comparison.changes:
        word = change.level.word
        yield f"{click.style(f'{word:11}', fg=_COLOURS[word])}  {change.what:{width}}  {_text(change)}".rstrip()
    yield click.style(f"{op}: {comparison.conclusion}", bold=True)


def _text(change: Change) -> str:
    """`T[M, K] → T[K, M] (shape)`, on one line."""
    sides = ["(none)" if text is None else " ".join(text.split()) for text in (change.old, change.new)]
    values = "" if change.old is None and change.new is None else " → ".join(sides)
    return " ".join(part for part in (values, f"({change.note})" if change.note else "") if part)


def _as_json(path: Path, comparison: Comparison, against: str) -> dict[str, Any]:
    return {
        "spec": str(path),
        "against": against,
        "class": comparison.level.word if comparison.level is not None else None,
        "stale": comparison.stale,
        "conclusion": comparison.conclusion,
        "changes": [
            {
                "class": change.level.word,
                "what": change.what,
                "old": change.old,
                "new": change.new,
                "note": change.note,
                "compatible": change.compatible,
            }
            for change in comparison.changes
        ],
    }
