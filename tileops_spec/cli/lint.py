"""`tospec lint`."""

from __future__ import annotations

from pathlib import Path

import click

from .common import Exit, counted, findings_in_words, format_option_of, print_findings, spec_files, specs_argument


@click.command("lint")
@specs_argument
@click.option("--fix", is_flag=True, help="Apply the safe fixes, then report what remains.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply all fixes, those too that change what a spec says.")
@click.option("--no-cache", is_flag=True, help="Check every file, those too that have not changed since a run before.")
@format_option_of("github", "sarif")
def command(specs: tuple[Path, ...], fix: bool, unsafe_fixes: bool, no_cache: bool, output_format: str) -> int:
    """Check SPECS (files or folders; default: specs/) and report every finding.

    A warning counts as an error does. `# tospec: ignore[TS122] reason` suppresses a finding, at the end of its line
    or alone on the line above.
    """
    from ..deliver.linting import lint_files
    from ..diagnostics.diagnostic import Sink

    files = spec_files(specs)
    if fix or unsafe_fixes:
        _fix(files, unsafe=unsafe_fixes)
    sink = Sink()
    lint_files(files, sink, cached=not no_cache)
    print_findings(sink, output_format)
    if sink.diagnostics:
        click.echo(f"{findings_in_words(sink)} in {counted(len(files), 'spec')}", err=True)
        return Exit.FINDINGS
    click.echo(f"{counted(len(files), 'spec')} clean", err=True)
    return Exit.CLEAN


def _fix(files: list[Path], *, unsafe: bool) -> None:
    """Rewrite the files, and say what was done to each."""
    from ..deliver.fixing import fix_file

    outcomes = [(path, fix_file(path, unsafe=unsafe)) for path in files]
    for path, titles in outcomes:
        for title in titles:
            click.echo(f"{path}: {title}", err=True)
    click.echo(f"{counted(sum(len(titles) for _, titles in outcomes), 'finding')} fixed", err=True)
