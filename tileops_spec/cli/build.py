"""`tospec build`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import (
    Exit,
    device_option,
    effort_options,
    exit_for,
    failure_options,
    format_option,
    print_findings,
    ready_files,
    specs_argument,
    take_effort,
)


@click.command("build")
@specs_argument
@click.option("--force", is_flag=True, help="Drop edits made outside the body region.")
@click.option("--adopt", is_flag=True, help="Judge the committed body although its contract has changed.")
@click.option("--again", is_flag=True, help="Run the gates although this machine has run them on the same input.")
@effort_options
@device_option
@failure_options
@format_option
def command(specs: tuple[Path, ...], output_format: str, **options) -> int:
    """Check SPECS, render their scaffold, prove the committed body, write what changed.

    A tree that is up to date is left alone. Nothing is written where a check or a gate fails.
    """
    from ..deliver.build import BuildOptions, build_spec
    from ..diagnostics.diagnostic import Sink
    from .report import built_json, built_lines, watch_verdicts

    effort = take_effort(options)
    sink, results = Sink(), []
    for path in ready_files(specs):
        built = build_spec(path, BuildOptions(**options, effort=effort), sink, watch_verdicts)
        results.append(built)
        if output_format != "json":
            click.echo("\n".join(built_lines(built)))
    if output_format == "json":
        click.echo(json.dumps([built_json(built) for built in results], indent=2))
    print_findings(sink, output_format, err=True)
    return Exit.CLEAN if all(built.succeeded for built in results) else exit_for(sink) or Exit.FINDINGS
