"""`tospec mutate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import Exit, effort_options, ready_files, spec_files, specs_argument, take_effort


@click.command("mutate")
@specs_argument
@click.option("--spec", "of_spec", is_flag=True, help="Seed errors in the specs, not in the kernels' bodies.")
@click.option("--limit", type=click.IntRange(min=1), help="Mutants a spec, of every kind in turn (default: all).")
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True, help="Mutants at a time.")
@click.option("--save", type=click.Path(path_type=Path), help="A folder for each mutant's kernel.py and the verdicts.")
@effort_options
@click.option(
    "--output-format",
    type=click.Choice(["full", "json"]),
    default="full",
    show_default=True,
    help="For people or tools.",
)
def command(specs: tuple[Path, ...], of_spec: bool, output_format: str, save: Path | None, **options) -> int:
    """Seed errors in the bodies of SPECS (files or folders; default: specs/) and report which gate kills each.

    The gates judge every mutant on the CPU; a column beside them says whether a test with one shape, normal data and
    fixed tolerances would have failed. With --spec, errors are seeded in the specs instead, and lint and the references
    judge. The exit code is 1 where a mutant survives. --seed chooses the mutants under a limit, and the cases.
    """
    if of_spec and save is not None:
        raise click.UsageError("--save is for mutants of bodies")
    return _of_specs(specs, output_format, options) if of_spec else _of_bodies(specs, output_format, save, options)


def _of_specs(specs: tuple[Path, ...], output_format: str, options: dict) -> int:
    from ..mutate.specs.judge import Judgement
    from ..mutate.specs.run import mutate_specs
    from ..mutate.specs.table import lines, survivors, to_json

    done = 0

    def watch(judgement: Judgement) -> None:
        nonlocal done
        done += 1
        if judgement.status == "survived":
            click.echo(f"survived: {judgement.op}: {judgement.mutant.kind}: {judgement.mutant.change}", err=True)
        elif done % 100 == 0:
            click.echo(f"{done} mutants judged", err=True)

    wanted = {name: options[name] for name in ("limit", "seed", "jobs")}
    try:
        found = mutate_specs(spec_files(specs), **wanted, watch=watch)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _print(to_json(found) if output_format == "json" else lines(found))
    return Exit.FINDINGS if survivors(found) else Exit.CLEAN


def _of_bodies(specs: tuple[Path, ...], output_format: str, save: Path | None, options: dict) -> int:
    from ..mutate.bodies.judge import Judgement
    from ..mutate.bodies.run import mutate_bodies
    from ..mutate.bodies.table import lines, survivors, to_json
    from ..scaffold.errors import ScaffoldError

    def watch(judgement: Judgement) -> None:
        how = f"{judgement.gate} {judgement.code}" if judgement.gate else judgement.status
        click.echo(f"{how:16} {judgement.op}: {judgement.mutant.kind}: {judgement.mutant.change}", err=True)

    seed = options["seed"]
    effort = take_effort(options)
    try:
        found = mutate_bodies(ready_files(specs), effort, seed=seed, save=save, watch=watch, **options)
    except ScaffoldError as error:
        click.echo("\n".join(each.message for each in error.diagnostics), err=True)
        return Exit.ENVIRONMENT
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _print(to_json(found) if output_format == "json" else lines(found))
    return Exit.FINDINGS if survivors(found) else Exit.CLEAN


def _print(report) -> None:
    """Data as JSON, lines as they are."""
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if isinstance(report, dict) else "\n".join(report))
