"""`tospec mutate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import Exit, spec_files, specs_argument


@click.command("mutate")
@specs_argument
@click.option("--spec", "of_spec", is_flag=True, required=True, help="Seed errors in the specs.")
@click.option("--limit", type=click.IntRange(min=1), help="Mutants a spec, of every kind in turn (default: all).")
@click.option("--seed", type=int, default=0, show_default=True, help="Which mutants are drawn under a limit.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option(
    "--output-format",
    type=click.Choice(["full", "json"]),
    default="full",
    show_default=True,
    help="For people or tools.",
)
def command(specs: tuple[Path, ...], of_spec: bool, limit: int | None, seed: int, jobs: int, output_format: str) -> int:
    """Seed errors in SPECS (files or folders; default: specs/) and report which check catches each.

    Lint and the references judge every mutant; neither needs a GPU. Mutants that mean the same are told apart. The exit
    code is 1 where a mutant survives.
    """
    from ..mutate.judge import Judgement
    from ..mutate.run import mutate_specs
    from ..mutate.table import lines, survivors, to_json

    done = 0

    def watch(judgement: Judgement) -> None:
        nonlocal done
        done += 1
        if judgement.status == "survived":
            click.echo(f"survived: {judgement.op}: {judgement.mutant.kind}: {judgement.mutant.change}", err=True)
        elif done % 100 == 0:
            click.echo(f"{done} mutants judged", err=True)

    try:
        found = mutate_specs(spec_files(specs), limit=limit, seed=seed, jobs=jobs, watch=watch)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if output_format == "json":
        click.echo(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines(found)))
    return Exit.FINDINGS if survivors(found) else Exit.CLEAN
