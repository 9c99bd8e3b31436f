"""`tospec lint`."""

from __future__ import annotations

from pathlib import Path

import click

from .common import Exit, counted, format_option, print_findings, spec_files, specs_argument


@click.command("lint")
@specs_argument
@format_option
def command(specs: tuple[Path, ...], output_format: str) -> int:
    """Check SPECS (files or folders; default: specs/) and report every finding."""
    from ..deliver.lint import lint_spec
    from ..diagnostics.diagnostic import Sink

    files = spec_files(specs)
    sink = Sink()
    for path in files:
        lint_spec(path, sink)
    print_findings(sink, output_format)
    if sink.failed:
        click.echo(f"{counted(len(sink.errors), 'error')} in {counted(len(files), 'spec')}", err=True)
        return Exit.FINDINGS
    click.echo(f"{counted(len(files), 'spec')} clean", err=True)
    return Exit.CLEAN
