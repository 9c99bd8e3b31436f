"""What several commands share: options, spec arguments, printing findings, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..deliver.prove import Effort
    from ..diagnostics.diagnostic import Sink


class Exit(IntEnum):
    """The documented exit codes."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    VERIFY_FAILED = 3
    ENVIRONMENT = 4
    INTERRUPTED = 130


specs_argument = click.argument("specs", nargs=-1, type=click.Path(path_type=Path))
spec_argument = click.argument("spec", type=click.Path(path_type=Path))


def format_option_of(*more: str) -> Callable:
    """`--output-format`, with other forms than those that every command knows."""
    return click.option(
        "--output-format",
        "output_format",
        type=click.Choice(["full", "concise", "json", *more]),
        default="full",
        show_default=True,
        help="How findings are printed.",
    )


format_option = format_option_of()


def effort_options(command: Callable) -> Callable:
    """How hard the gates look: `--cases`, `--seed`, `--time-limit`."""
    for option in reversed(_EFFORT):
        command = option(command)
    return command


_EFFORT = (
    click.option("--cases", type=click.IntRange(min=1), default=12, show_default=True, help="Cases a dtype."),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the cases."),
    click.option(
        "--time-limit", type=click.FloatRange(min=0.1), default=120.0, show_default=True, help="Seconds a check."
    ),
)


def device_option(command: Callable) -> Callable:
    """`--no-device`."""
    return click.option(
        "--device/--no-device", default=True, help="On a machine with a GPU, run the body there too; or skip that gate."
    )(command)


def selection_options(command: Callable) -> Callable:
    """Which of the specs: `--select`, `--against`."""
    select = click.option(
        "--select",
        "-s",
        "selectors",
        multiple=True,
        metavar="SELECTOR",
        help="Only `state:modified`, or ops by name (`rms_*`); repeatable.",
    )
    against = click.option(
        "--against", default="HEAD", show_default=True, help="The revision that `state:modified` compares with."
    )
    return select(against(command))


def selected(paths: list[Path], options: dict[str, Any]) -> list[Path]:
    """The paths that the selection among a command's options names, which is taken out of them."""
    from ..deliver.selection import select
    from ..source.git import GitError

    selectors, revision = options.pop("selectors"), options.pop("against")
    try:
        found = select(paths, selectors, revision)
    except GitError as error:
        raise click.UsageError(str(error)) from error
    if selectors:
        click.echo(f"{len(found)} of {counted(len(paths), 'spec')} selected", err=True)
    return found


def take_effort(options: dict[str, Any]) -> Effort:
    """The effort among a command's options, which are taken out of them."""
    from ..deliver.prove import Effort

    names = ("cases", "seed", "time_limit", "shrink", "device")
    return Effort(**{name: options.pop(name) for name in names if name in options})


def failure_options(command: Callable) -> Callable:
    """What is done with a case that fails: `--shrink`, `--no-save`."""
    for option in reversed(_FAILURE):
        command = option(command)
    return command


_FAILURE = (
    click.option(
        "--shrink",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        help="Seconds for making a case that fails smaller; 0 leaves it as it is.",
    ),
    click.option(
        "--save/--no-save",
        default=True,
        help="Keep the smallest failing case in cases/<op>.txt, to be run first from then on; never where CI is set.",
    ),
)


def spec_files(specs: tuple[Path, ...]) -> list[Path]:
    """The spec files that the arguments name; folders stand for the specs in them, nothing for `specs/`."""
    found = files_in(specs)
    if not found:
        raise click.UsageError(f"no specs in {', '.join(map(str, specs)) or 'specs/'}")
    return found


def files_in(specs: tuple[Path, ...]) -> list[Path]:
    """The same, and nothing where there is none."""
    found: list[Path] = []
    for path in specs or (Path("specs"),):
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return found


def ready_files(specs: tuple[Path, ...]) -> list[Path]:
    """The spec files that are to have a kernel: folders stand for those in them that are no drafts."""
    given = [path for path in specs or (Path("specs"),) if not path.is_dir()]
    found = spec_files(specs)
    ready = [path for path in found if path in given or not _is_draft(path)]
    if len(ready) < len(found):
        click.echo(f"{counted(len(found) - len(ready), 'draft')} left aside: no kernel is asked for yet", err=True)
    return ready


def _is_draft(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return any(line.split("#")[0].split() == ["status:", "draft"] for line in text.splitlines())


def print_findings(sink: Sink, output_format: str, *, err: bool = False) -> None:
    """All findings; with `full` and `concise` nothing is printed where there are none."""
    from ..diagnostics.render import render_findings

    text = render_findings(sink, output_format)
    if text:
        click.echo(_styled(text, output_format), err=err)


def _styled(text: str, output_format: str) -> str:
    """Colour for the headings; click takes it off where the stream is no terminal."""
    if output_format != "full":
        return text
    return "\n".join(_styled_line(line) for line in text.split("\n"))


def _styled_line(line: str) -> str:
    if line.startswith("error["):
        return click.style(line, fg="red", bold=True)
    if line.startswith("warning["):
        return click.style(line, fg="yellow", bold=True)
    return line


def exit_for(sink: Sink) -> Exit:
    """What the findings of a run amount to: 4 where the machine lacks something, 1 for any other error, else 0."""
    if any(found.code == "TS901" for found in sink.errors):
        return Exit.ENVIRONMENT
    return Exit.FINDINGS if sink.failed else Exit.CLEAN


def counted(number: int, noun: str) -> str:
    """`1 spec`, `3 specs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def findings_in_words(sink: Sink) -> str:
    """`2 errors and 1 warning`; a kind of which there is none is left out."""
    errors = len(sink.errors)
    warnings = len(sink.diagnostics) - errors
    kinds = ((errors, "error"), (warnings, "warning"))
    return " and ".join(counted(number, noun) for number, noun in kinds if number) or "0 findings"
