"""`tospec diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Exit, exit_for, files_in, print_findings, ready_files, spec_files, specs_argument

if TYPE_CHECKING:
    from ..deliver.against import Earlier
    from ..deliver.changes import Comparison
    from ..diagnostics.diagnostic import Sink


@click.command("diff")
@specs_argument
@click.option("--against", metavar="git:REV|PATH", help="Compare the specs with an earlier version of theirs.")
@click.option("--output-format", type=click.Choice(["full", "json"]), help="How changes are printed, with --against.")
def command(specs: tuple[Path, ...], against: str | None, output_format: str | None) -> int:
    """Show how committed files of SPECS differ from what build would write; exit 1 where they do.

    The body region is the author's and is not compared.

    With --against, show instead what changed in the specs themselves since a revision of git (git:main), or against
    another file or folder, and what follows. Each change has a class: API (what callers see), numerics (what is
    computed), performance (dims that are compiled in, hardware, workloads, alignment), cosmetic (words, order, names of
    locals and index variables). Exit 0 where nothing changed or only what is cosmetic, else 1.
    """
    if against is not None:
        return _compare(specs, against, output_format or "full")
    if output_format is not None:
        raise click.UsageError("--output-format goes with --against")
    return _drift(specs)


def _drift(specs: tuple[Path, ...]) -> int:
    """Generated files against what build would write."""
    from ..deliver.build import committed_plan
    from ..deliver.lint import lint_spec
    from ..deliver.project import find_project
    from ..diagnostics.diagnostic import Sink

    sink, drifted = Sink(), 0
    for path in ready_files(specs):
        spec = lint_spec(path, sink)
        plan = committed_plan(spec, find_project(path), sink) if spec else None
        for drift in plan.drifts if plan else ():
            drifted += 1
            click.echo(drift.diff, nl=False)
    print_findings(sink, "full", err=True)
    if drifted:
        click.echo(f"{drifted} file{'s' if drifted > 1 else ''} differ", err=True)
    return Exit.FINDINGS if drifted or sink.failed else Exit.CLEAN


def _compare(specs: tuple[Path, ...], against: str, output_format: str) -> int:
    """Specs against earlier versions of theirs."""
    from ..deliver.changes import Level
    from ..diagnostics.diagnostic import Sink
    from ..source.git import GitError, GitMissing
    from .changes import print_comparisons

    sink, found = Sink(), {}
    try:
        found = _comparisons(specs, _earlier(specs, against), sink)
    except GitMissing as error:
        sink.error("TS901", f"`--against {against}` needs git: {error}", help="install git (Debian: apt install git)")
    except GitError as error:
        raise click.UsageError(f"--against {against}: {error}") from None
    print_comparisons(found, against, output_format)
    print_findings(sink, "full", err=True)
    touched = any(each.level is not None and each.level > Level.COSMETIC for each in found.values())
    return exit_for(sink) or (Exit.FINDINGS if touched else Exit.CLEAN)


def _earlier(specs: tuple[Path, ...], against: str) -> Earlier:
    from ..deliver.against import Earlier

    earlier = Earlier(against)
    if earlier.revision is None and not Path(against).exists():
        raise click.UsageError(
            f"--against {against}: there is no such file; a revision of git is written git:{against}"
        )
    if earlier.is_file and (len(specs) != 1 or specs[0].is_dir()):
        raise click.UsageError(
            f"--against {against}: one file stands against one spec; name the spec, or give a folder"
        )
    return earlier


def _comparisons(specs: tuple[Path, ...], earlier: Earlier, sink: Sink) -> dict[Path, Comparison]:
    """By path; those that do not load are left out, with findings in the sink."""
    from ..deliver.against import compare_with, removed_specs

    folders = [path for path in specs or (Path("specs"),) if path.is_dir()]
    gone = list(removed_specs(folders, earlier))
    paths = files_in(specs) + gone or spec_files(specs)
    found = {path: compare_with(path, earlier, sink) for path in sorted(set(paths))}
    return {path: comparison for path, comparison in found.items() if comparison is not None}
