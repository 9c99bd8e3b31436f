"""`tospec verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import (
    Exit,
    effort_options,
    exit_for,
    format_option,
    print_findings,
    ready_files,
    specs_argument,
    take_effort,
)


@click.command("verify")
@specs_argument
@effort_options
@format_option
def command(specs: tuple[Path, ...], output_format: str, **options) -> int:
    """Run every gate on the committed bodies of SPECS, whatever evidence there is; nothing is written.

    Exit 3 where a gate rejects a body, 1 where a spec or a committed file keeps it from being judged.
    """
    from ..deliver.verify import verify_spec
    from ..diagnostics.diagnostic import Sink
    from .report import heading, watch_verdicts

    effort = take_effort(options)
    sink, proofs = Sink(), {}
    for path in ready_files(specs):
        click.echo(heading(path.stem), err=True)
        proofs[path.stem] = verify_spec(path, effort, sink, watch_verdicts)
    if output_format == "json":
        found = {op: [each.to_json() for each in proof.verdicts] if proof else None for op, proof in proofs.items()}
        click.echo(json.dumps(found, indent=2))
    print_findings(sink, output_format, err=True)
    if any(proof is not None and not proof.accepted for proof in proofs.values()):
        return Exit.VERIFY_FAILED
    return exit_for(sink)
