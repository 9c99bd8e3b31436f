"""`tospec explain`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from .common import Exit, print_findings

_CODE = re.compile(r"TS\d+\Z", re.I)


@click.command("explain")
@click.argument("subject")
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", show_default=True)
def command(subject: str, output_format: str) -> int:
    """Explain SUBJECT: a spec file (what is derived from it, and why), or a code such as TS108."""
    if _CODE.match(subject):
        return _explain_code(subject.upper())
    return _explain_spec(Path(subject), output_format)


def _explain_code(code: str) -> int:
    from ..diagnostics.codes import CODES
    from ..resources import resource

    if code not in CODES:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(code, CODES, n=3)) or "TS001 … TS902"
        raise click.UsageError(f"there is no code {code}; near it: {near}")
    click.echo(resource("docs", "rules", f"{code}.md").read_text(encoding="utf-8").rstrip())
    return Exit.CLEAN


def _explain_spec(path: Path, output_format: str) -> int:
    from ..deliver.explain import explain_spec, explanation_lines
    from ..deliver.lint import lint_spec
    from ..diagnostics.diagnostic import Sink

    sink = Sink()
    spec = lint_spec(path, sink)
    if spec is None:
        print_findings(sink, "full", err=True)
        return Exit.FINDINGS
    if output_format == "json":
        click.echo(json.dumps(explain_spec(spec), indent=2))
    else:
        click.echo("\n".join(explanation_lines(spec)))
    return Exit.CLEAN
