"""`tospec new`."""

from __future__ import annotations

from pathlib import Path

import click

from ..deliver.new.classes import template_classes
from .common import Exit


@click.command("new")
@click.argument("op")
@click.option("--template", "kind", type=click.Choice(template_classes()), help="Start from a spec of this class.")
@click.option("--from", "function", metavar="FUNCTION", help="Start from the signature of a torch function.")
@click.option("--force", is_flag=True, help="Write over a spec that is there.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the spec, and write nothing.")
def command(op: str, kind: str | None, function: str | None, force: bool, to_stdout: bool) -> int:
    """Write specs/OP.yaml: a first version of a spec, to be changed.

    --template gives a whole spec of a class, with comments. --from reads the signature of a function such as
    torch.nn.functional.layer_norm or torch.ops.aten.addmm; where its mathematics is not known here, the spec has the
    function as its reference and says what to do next.
    """
    from ..deliver.new.classes import name_problem, spec_of_class

    if (kind is None) == (function is None):
        raise click.UsageError("say what to start from: --template CLASS or --from FUNCTION")
    problem = name_problem(op)
    if problem:
        raise click.UsageError(problem)
    path = Path("specs") / f"{op}.yaml"
    if path.exists() and not (force or to_stdout):
        raise click.UsageError(f"{path} is there already; --force writes over it")
    text = spec_of_class(op, kind) if kind is not None else _from_torch(op, str(function))
    if to_stdout:
        click.echo(text, nl=False)
    else:
        _write(path, text)
    return Exit.CLEAN


def _from_torch(op: str, function: str) -> str:
    from ..deliver.new.draft import spec_from_function
    from ..deliver.new.functions import FunctionError

    try:
        return spec_from_function(op, function)
    except FunctionError as error:
        raise click.UsageError(f"--from {function}: {error}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror or error}") from None
    click.echo(f"{path} written; `tospec lint {path}` checks it", err=True)
