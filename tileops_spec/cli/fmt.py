"""`tospec fmt`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Exit, counted, print_findings, spec_files, specs_argument

if TYPE_CHECKING:
    from ..deliver.formatting import Formatted
    from ..diagnostics.diagnostic import Sink

_STDIN = Path("-")


@click.command("fmt")
@specs_argument
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change, and exit 1 for them.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change, and exit 1 where something would.")
@click.option("--stdin-filename", default="-", metavar="PATH", help="The name of standard input, for messages.")
def command(specs: tuple[Path, ...], check: bool, diff: bool, stdin_filename: str) -> int:
    """Format SPECS (files or folders; default: specs/); `-` formats standard input to standard output.

    White space, quotes and the order of keys change; comments and what a spec says do not. A file with syntax errors
    is left as it is.
    """
    from ..diagnostics.diagnostic import Sink

    if _STDIN in specs and len(specs) > 1:
        raise click.UsageError("`-` is standard input: give it alone")
    sink = Sink()
    run = _Run(sink, check=check, diff=diff)
    if specs == (_STDIN,):
        run.stream(stdin_filename)
    else:
        run.files(spec_files(specs))
    print_findings(sink, "full", err=True)
    return run.status


class _Run:
    """What one call does with each text; `status` is the worst of what came of them."""

    def __init__(self, sink: Sink, *, check: bool, diff: bool) -> None:
        self.sink, self.check, self.diff = sink, check, diff
        self.status = Exit.CLEAN

    def stream(self, name: str) -> None:
        """Standard input; its formatted text goes to standard output, unless only asked about."""
        from ..deliver.formatting import format_data

        formatted = format_data(name, sys.stdin.buffer.read(), self.sink)
        if formatted is None:
            self.status = Exit.FINDINGS
        elif self.check or self.diff:
            self.show(formatted)
        else:
            click.echo(formatted.after, nl=False)

    def files(self, paths: list[Path]) -> None:
        """Each file in turn; what befalls one does not keep the others from being formatted."""
        outcomes = [self.file(path) for path in paths]
        changed, refused = outcomes.count("changed"), outcomes.count("refused")
        verb = "would change" if self.check or self.diff else "changed"
        counts = [f"{counted(changed, 'spec')} {verb}", f"{outcomes.count('kept')} formatted already"]
        click.echo(", ".join([*counts, f"{refused} left as they are"] if refused else counts), err=True)

    def file(self, path: Path) -> str:
        """`kept`, `changed`, or `refused` where the file is left as it is for findings or an error."""
        from ..deliver.formatting import format_file
        from ..syntax.format import Unfaithful

        try:
            formatted = format_file(path, self.sink)
            if formatted is not None and formatted.changed:
                self.show(formatted) if self.check or self.diff else self.write(formatted)
        except (Unfaithful, OSError) as error:
            kind = "cannot write" if isinstance(error, OSError) else "internal error"
            click.echo(f"{kind}: {error}; the file is left as it is", err=True)
            self.status = Exit.USAGE
            return "refused"
        if formatted is None:
            self.status = max(self.status, Exit.FINDINGS)
            return "refused"
        return "changed" if formatted.changed else "kept"

    def write(self, formatted: Formatted) -> None:
        formatted.write()
        click.echo(f"formatted {formatted.name}", err=True)

    def show(self, formatted: Formatted) -> None:
        """Say what would change, on standard output."""
        if not formatted.changed:
            return
        self.status = max(self.status, Exit.FINDINGS)
        click.echo(formatted.diff() if self.diff else f"would change {formatted.name}\n", nl=False)
