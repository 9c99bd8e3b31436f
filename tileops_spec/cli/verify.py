"""`tospec verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import (
    Exit,
    effort_options,
    exit_for,
    format_option_of,
    print_findings,
    ready_files,
    selected,
    selection_options,
    specs_argument,
    take_effort,
)

if TYPE_CHECKING:
    from ..deliver.prove import Proof
    from ..diagnostics.diagnostic import Sink


@click.command("verify")
@specs_argument
@effort_options
@selection_options
@format_option_of("github", "sarif", "junit")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where data goes, in place of stdout.")
def command(specs: tuple[Path, ...], output_format: str, output: Path | None, **options) -> int:
    """Run every gate on the committed bodies of SPECS, whatever evidence there is; nothing is written.

    Exit 3 where a gate rejects a body, 1 where a spec or a committed file keeps it from being judged.
    """
    from ..deliver.verify import verify_spec
    from ..diagnostics.diagnostic import Sink
    from .report import heading, watch_verdicts

    paths = selected(ready_files(specs), options)
    effort = take_effort(options)
    sink, proofs = Sink(), {}
    for path in paths:
        click.echo(heading(path.stem), err=True)
        proofs[path.stem] = verify_spec(path, effort, sink, watch_verdicts)
    text = _data(proofs, sink, output_format)
    if text is not None:
        click.echo(text) if output is None else output.write_text(f"{text}\n", encoding="utf-8")
    print_findings(
        sink, "full" if output_format in ("junit", "sarif") else output_format, err=output_format != "github"
    )
    if any(proof is not None and not proof.accepted for proof in proofs.values()):
        return Exit.VERIFY_FAILED
    return exit_for(sink)


def _data(proofs: dict[str, Proof | None], sink: Sink, output_format: str) -> str | None:
    """What tools read: verdicts as JSON or JUnit, findings as SARIF."""
    if output_format == "json":
        found = {op: [each.to_json() for each in proof.verdicts] if proof else None for op, proof in proofs.items()}
        return json.dumps(found, indent=2)
    if output_format == "junit":
        from ..deliver.junit import render_junit

        return render_junit(proofs, sink)
    if output_format == "sarif":
        from ..diagnostics.render import render_findings

        return render_findings(sink, "sarif")
    return None
