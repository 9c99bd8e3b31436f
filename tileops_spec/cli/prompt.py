"""`tospec prompt`."""

from __future__ import annotations

from pathlib import Path

import click

from .common import Exit, print_findings, spec_argument


@click.command("prompt")
@spec_argument
def command(spec: Path) -> int:
    """Print the prompt that fill would send for SPEC, and nothing else."""
    from ..deliver.lint import lint_spec
    from ..deliver.request import request_body
    from ..diagnostics.diagnostic import Sink

    sink = Sink()
    checked = lint_spec(spec, sink)
    if checked is None:
        print_findings(sink, "full", err=True)
        return Exit.FINDINGS
    prompt = request_body(checked)
    click.echo(prompt.text, nl=False)
    click.echo(f"about {prompt.token_estimate} tokens, sha256 {prompt.sha256[:16]}", err=True)
    return Exit.CLEAN
