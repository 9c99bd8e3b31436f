"""`tospec doctor`."""

from __future__ import annotations

import json

import click

from .common import Exit


@click.command("doctor")
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", show_default=True)
def command(output_format: str) -> int:
    """Say what this machine can do: tools, versions, GPU, and which gates can run."""
    from ..deliver.environment import examine

    findings = examine()
    if output_format == "json":
        click.echo(json.dumps([vars_of(each) for each in findings], indent=2))
    else:
        width = max(len(each.name) for each in findings)
        for each in findings:
            mark = (
                click.style("ok", fg="green") if each.ok else click.style("no", fg="yellow" if each.optional else "red")
            )
            click.echo(f"{mark}  {each.name:{width}}  {each.detail}")
            if not each.ok and each.remedy:
                click.echo(f"    {'':{width}}  {each.remedy}")
    return Exit.CLEAN if all(each.ok or each.optional for each in findings) else Exit.ENVIRONMENT


def vars_of(finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in ("name", "ok", "optional", "detail", "remedy")}
