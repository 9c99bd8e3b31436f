"""`tospec fill`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from .common import Exit, effort_options, exit_for, print_findings, spec_argument, take_effort

PROVIDERS = ("handoff", "command")


@click.command("fill")
@spec_argument
@click.option("--provider", type=click.Choice(PROVIDERS), required=True, help="Who writes the body.")
@click.option("--model", default="unknown", help="The model's name for the record, where the answer does not give it.")
@click.option("--command", "program", help="The program of the command provider: prompt on stdin, answer on stdout.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=3600.0, show_default=True, help="Seconds an answer.")
@click.option("--max-attempts", type=click.IntRange(min=1), default=3, show_default=True, help="Repairs included.")
@click.option("--force", is_flag=True, help="Drop edits made outside the body region.")
@effort_options
def command(spec: Path, provider: str, max_attempts: int, force: bool, **options) -> int:
    """Ask a provider for the kernel body of SPEC until one passes the gates, and publish that one.

    handoff writes the request under .tospec/handoff/ and waits for the answer file. Where no attempt passes, the tree
    is as it was; every exchange is kept under .tospec/runs/.
    """
    from ..deliver.filling import FillOptions, fill_spec
    from ..diagnostics.diagnostic import Sink
    from .report import built_lines, watch_verdicts

    if provider == "command" and not options["program"]:
        raise click.UsageError("--provider command needs --command PROGRAM")
    choices = FillOptions(max_attempts=max_attempts, force=force, effort=take_effort(options))
    make_provider = partial(_provider, provider, **options)
    sink = Sink()
    built = fill_spec(spec, make_provider, choices, sink, watch=watch_verdicts, talk=_talk)
    click.echo("\n".join(built_lines(built)))
    print_findings(sink, "full", err=True)
    return Exit.CLEAN if built.succeeded else exit_for(sink) or Exit.FINDINGS


def _talk(line: str) -> None:
    click.echo(line, err=True)


def _provider(kind: str, project, op: str, *, model: str, program: str | None, timeout: float):
    if kind == "handoff":
        from ..fill.providers.handoff import HandoffProvider

        return HandoffProvider(folder=project.state / "handoff", op=op, timeout=timeout, model=model, talk=_talk)
    from ..fill.providers.command import CommandProvider

    return CommandProvider(command=program, timeout=timeout, model=model)
