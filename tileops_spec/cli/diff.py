"""`tospec diff`."""

from __future__ import annotations

from pathlib import Path

import click

from .common import Exit, print_findings, spec_files, specs_argument


@click.command("diff")
@specs_argument
def command(specs: tuple[Path, ...]) -> int:
    """Show how committed files of SPECS differ from what build would write; exit 1 where they do.

    The body region is the author's and is not compared.
    """
    from ..deliver.build import committed_plan
    from ..deliver.lint import lint_spec
    from ..deliver.project import find_project
    from ..diagnostics.diagnostic import Sink

    sink, drifted = Sink(), 0
    for path in spec_files(specs):
        spec = lint_spec(path, sink)
        plan = committed_plan(spec, find_project(path), sink) if spec else None
        for drift in plan.drifts if plan else ():
            drifted += 1
            click.echo(drift.diff, nl=False)
    print_findings(sink, "full", err=True)
    if drifted:
        click.echo(f"{drifted} file{'s' if drifted > 1 else ''} differ", err=True)
    return Exit.FINDINGS if drifted or sink.failed else Exit.CLEAN
