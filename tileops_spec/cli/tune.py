"""`tospec tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Exit, exit_for, print_findings, spec_argument

if TYPE_CHECKING:
    from ..deliver.tuning.planned import Tuning
    from ..diagnostics.diagnostic import Sink


@click.command("tune")
@spec_argument
@click.option("--dry-run", is_flag=True, help="Show what would be timed, and why the rest would not; needs no GPU.")
@click.option("--workload", "workloads", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--target", metavar="NAME", help="A target such as sm_90a (default: the spec's first).")
@click.option("--device", metavar="NAME", help="A device such as h200, whose figures the model takes.")
@click.option("--every-dtype", is_flag=True, help="Each choice of dtypes, not the first alone.")
@click.option("--rounds", type=click.IntRange(min=1), default=40, show_default=True, help="Times that each is run.")
@click.option("--output-format", type=click.Choice(["full", "json"]), default="full", show_default=True)
def command(spec: Path, dry_run: bool, rounds: int, output_format: str, **options) -> int:
    """Choose the configuration of SPEC's committed body for each workload.

    A model of shared memory, registers, occupancy and time leaves at most a tenth of the candidates. Those are timed on
    this machine's GPU, and the best of each workload goes to .tospec/tune/; with --dry-run nothing is timed.
    """
    from ..deliver.tuning.planned import TuneOptions, UnknownNameError, plan_spec
    from ..diagnostics.diagnostic import Sink
    from ..tune.builds import TuningError

    sink = Sink()
    if not dry_run and not _has_gpu(sink):
        print_findings(sink, "full", err=True)
        return exit_for(sink)
    try:
        tuning = plan_spec(spec, TuneOptions(**options), sink)
    except UnknownNameError as error:
        raise click.UsageError(str(error)) from error
    print_findings(sink, "full", err=True)
    if tuning is None:
        return exit_for(sink) or Exit.FINDINGS
    if dry_run:
        return _show(tuning, output_format)
    try:
        return _time(tuning, rounds, output_format)
    except TuningError as error:
        sink.error(
            "TS461", str(error), help="`tospec tune --dry-run` shows the candidates and what the model says of them"
        )
        print_findings(sink, "full", err=True)
        return exit_for(sink)


def _has_gpu(sink: Sink) -> bool:
    """TS901 where torch sees no GPU."""
    from ..bench.timing import CudaStopwatch, NoDeviceError

    try:
        CudaStopwatch()
    except (NoDeviceError, ImportError) as error:
        help_text = (
            "`tospec tune --dry-run` shows what would be timed, on any machine; `tospec doctor` shows what is here"
        )
        sink.error("TS901", f"timing configurations needs a GPU: {error}", help=help_text)
        return False
    return True


def _show(tuning: Tuning, output_format: str) -> int:
    from ..deliver.tuning.text import plan_json, plan_lines

    is_json = output_format == "json"
    click.echo(json.dumps(plan_json(tuning), indent=2) if is_json else "\n".join(plan_lines(tuning)))
    return Exit.CLEAN


def _time(tuning: Tuning, rounds: int, output_format: str) -> int:
    from ..deliver.tuning.text import row_lines
    from ..deliver.tuning.timed import keep_report, report_of, time_plans

    rows = []
    for row in time_plans(tuning, rounds=rounds):
        rows.append(row)
        click.echo(f"{row.workload}: {row.best.median_ms:.4f} ms", err=True)
    report = report_of(tuning, rows)
    path = keep_report(tuning, report)
    click.echo(json.dumps(report, indent=2) if output_format == "json" else "\n".join(row_lines(rows)))
    click.echo(f"kept in {tuning.project.relative(path)}", err=True)
    return Exit.CLEAN
