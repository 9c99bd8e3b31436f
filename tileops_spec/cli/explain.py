"""`tospec explain`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click

from .common import Exit, print_findings

_CODE = re.compile(r"TS\d+\Z", re.I)


@click.command("explain")
@click.argument("subject")
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="A target such as sm_80; more than one may be given."
)
@click.option(
    "--device", "devices", multiple=True, metavar="NAME", help="A device such as h100, for the floors of workloads."
)
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", show_default=True)
def command(subject: str, targets: tuple[str, ...], devices: tuple[str, ...], output_format: str) -> int:
    """Explain SUBJECT: a spec file (what is derived from it, and why), or a code such as TS108."""
    if _CODE.match(subject):
        return _explain_code(subject.upper())
    return _explain_spec(Path(subject), targets, devices, output_format)


def _explain_code(code: str) -> int:
    from ..diagnostics.codes import CODES
    from ..resources import resource

    if code not in CODES:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(code, CODES, n=3)) or "TS001 … TS902"
        raise click.UsageError(f"there is no code {code}; near it: {near}")
    click.echo(resource("docs", "rules", f"{code}.md").read_text(encoding="utf-8").rstrip())
    return Exit.CLEAN


def _explain_spec(path: Path, targets: tuple[str, ...], devices: tuple[str, ...], output_format: str) -> int:
    from ..deliver.explain import explanation_lines
    from ..deliver.explanation import explain_spec
    from ..deliver.lint import lint_spec
    from ..diagnostics.diagnostic import Sink
    from ..hardware import TARGETS
    from ..hardware.device import device, device_keys

    _refuse_unknown("target", targets, list(TARGETS))
    _refuse_unknown("device", devices, device_keys())
    sink = Sink()
    spec = lint_spec(path, sink)
    if spec is None:
        print_findings(sink, "full", err=True)
        return Exit.FINDINGS
    data = explain_spec(spec, targets=targets, devices=[device(key) for key in devices])
    click.echo(json.dumps(data, indent=2) if output_format == "json" else "\n".join(explanation_lines(spec, data)))
    return Exit.CLEAN


def _refuse_unknown(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise click.UsageError(f"there is no {what} {unknown[0]}; there are {', '.join(known)}")
