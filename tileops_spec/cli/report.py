"""How builds, verdicts and files are shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..deliver.build import Built
    from ..gates.verdict import Verdict

_COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow", "unsupported": "yellow"}


def verdict_line(verdict: Verdict) -> str:
    """`passed  emulate    12.3 s  24 cases within the bound`."""
    status = click.style(f"{verdict.status:11}", fg=_COLOURS[verdict.status])
    return f"  {status} {verdict.gate:9} {verdict.seconds:6.1f} s  {verdict.summary}"


def watch_verdicts(verdict: Verdict) -> None:
    """Progress, as each gate ends: talk, on stderr."""
    click.echo(verdict_line(verdict), err=True)


def heading(text: str) -> str:
    return click.style(text, bold=True)


def built_lines(built: Built) -> list[str]:
    """What a build did, for people: the spec, its features, the verdicts, the files."""
    if built.unchanged:
        return [f"{built.op}: up to date, nothing written"]
    lines = _spec_lines(built)
    if built.proof is not None:
        ran = "" if built.proof.fresh else " (this machine's evidence from an earlier run)"
        lines += [heading(f"gates{ran}"), *map(verdict_line, built.proof.verdicts)]
    if built.files:
        lines += [heading("files"), *(f"  {state:9}  {path}" for path, state in built.files.items())]
        lines.append(f"  {'written' if 'tospec.lock' in built.written else 'unchanged':9}  tospec.lock")
    return [*lines, _conclusion(built)]


def _spec_lines(built: Built) -> list[str]:
    from ..deliver.explain import feature_lines, features_of, math_lines, signature_lines

    spec = built.spec
    if spec is None:
        return []
    lines = [heading(f"{spec.op}: {spec.summary}")]
    lines += [f"  {line}" for line in (*signature_lines(spec), *math_lines(spec))]
    lines.append(heading(f"features on {spec.hardware.targets[0]}"))
    return lines + [f"  {line}" for line in feature_lines(features_of(spec))]


def _conclusion(built: Built) -> str:
    if not built.succeeded or built.origin is None:
        return click.style(f"{built.op}: not built; the tree is as it was", fg="red")
    origin = built.origin
    source = f"{origin.provider}{f', {origin.model}' if origin.model else ''}"
    changes = f"{len(built.written)} files written" if built.written else "nothing to write"
    return click.style(f"{built.op}: proven (body from {source}); {changes}", fg="green")


def built_json(built: Built) -> dict[str, Any]:
    """The same for tools."""
    return {
        "op": built.op,
        "succeeded": built.succeeded,
        "unchanged": built.unchanged,
        "gates": [verdict.to_json() for verdict in built.proof.verdicts] if built.proof else [],
        "fresh": built.proof.fresh if built.proof else False,
        "files": built.files,
        "written": list(built.written),
    }
