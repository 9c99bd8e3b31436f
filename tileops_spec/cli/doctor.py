"""`tospec doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .common import Exit

if TYPE_CHECKING:
    from ..deliver.environment import Capability


@click.command("doctor")
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", show_default=True)
def command(output_format: str) -> int:
    """Say what this machine can do: tools, versions, GPU, and which gates can run."""
    from ..deliver.environment import examine

    capabilities = examine()
    if output_format == "json":
        click.echo(json.dumps([asdict(each) for each in capabilities], indent=2))
    else:
        _print(capabilities)
    return Exit.CLEAN if all(each.ok or each.optional for each in capabilities) else Exit.ENVIRONMENT


def _print(capabilities: tuple[Capability, ...]) -> None:
    width = max(len(each.name) for each in capabilities)
    for each in capabilities:
        colour = "green" if each.ok else "yellow" if each.optional else "red"
        click.echo(f"{click.style('ok' if each.ok else 'no', fg=colour)}  {each.name:{width}}  {each.detail}")
        if not each.ok and each.remedy:
            click.echo(f"    {'':{width}}  {each.remedy}")
