"""`tospec verify`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import (
    Exit,
    device_option,
    effort_options,
    exit_for,
    failure_options,
    format_option_of,
    print_findings,
    ready_files,
    selected,
    selection_options,
    specs_argument,
    take_effort,
)

if TYPE_CHECKING:
    from ..deliver.prove import Effort, Proof
    from ..diagnostics.diagnostic import Sink


@click.command("verify")
@specs_argument
@click.option("--case", "cases_given", multiple=True, metavar="CASE", help="Just this case of one spec; repeatable.")
@effort_options
@device_option
@failure_options
@selection_options
@format_option_of("github", "sarif", "junit")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where data goes, in place of stdout.")
def command(
    specs: tuple[Path, ...],
    cases_given: tuple[str, ...],
    save: bool,
    output_format: str,
    output: Path | None,
    **options,
) -> int:
    """Run every gate on the committed bodies of SPECS, whatever evidence there is; nothing generated is written.

    With --case "T=f16 M=1 N=8 K=8 data=heavy seed=3", the references and the emulated body run on that case alone.
    Exit 3 where a gate rejects a body, 1 where a spec or a committed file keeps it from being judged.
    """
    from ..diagnostics.diagnostic import Sink
    from .report import heading

    paths = selected(ready_files(specs), options)
    effort = take_effort(options)
    sink, proofs = Sink(), {}
    if cases_given and len(paths) != 1:
        raise click.UsageError("--case is about one spec: name it")
    for path in paths:
        click.echo(heading(path.stem), err=True)
        proofs[path.stem] = _proof(path, cases_given, effort, sink, save)
    text = _data(proofs, sink, output_format)
    if text is not None:
        click.echo(text) if output is None else output.write_text(f"{text}\n", encoding="utf-8")
    # Data goes to stdout whole; people, who look at stderr, get the findings in words.
    words = "full" if output_format in ("json", "junit", "sarif") else output_format
    print_findings(sink, words, err=output_format != "github")
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


def _proof(path: Path, cases: tuple[str, ...], effort: Effort, sink: Sink, save: bool) -> Proof | None:
    from ..analysis.case_text import CaseError
    from ..deliver.verify import replay_cases, verify_spec
    from .report import watch_verdicts

    if not cases:
        return verify_spec(path, effort, sink, watch_verdicts, save=save)
    try:
        return replay_cases(path, cases, replace(effort, shrink=0.0), sink, watch_verdicts)
    except CaseError as error:
        raise click.UsageError(f"--case: {error}") from error
