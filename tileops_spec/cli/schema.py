"""`tospec schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import Exit


@click.command("schema")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file, not to stdout.")
def command(output: Path | None) -> int:
    """Print the JSON Schema of spec files, for editors.

    With the YAML extension of VS Code, put it in a file and name that in `yaml.schemas`, or in a comment at the top
    of a spec: `# yaml-language-server: $schema=../.vscode/tospec.schema.json`.
    """
    from ..deliver.json_schema import spec_file_schema

    text = json.dumps(spec_file_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return Exit.CLEAN
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror or error}") from None
    click.echo(f"{output} written", err=True)
    return Exit.CLEAN
