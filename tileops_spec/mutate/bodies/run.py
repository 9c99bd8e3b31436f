"""All mutants of the committed bodies of some specs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...deliver.build import committed_plan
from ...deliver.lint import lint_spec
from ...deliver.plan import Plan
from ...deliver.project import find_project
from ...deliver.prove import Effort, proof_cases, require_runtime
from ...diagnostics.diagnostic import Sink
from ...gates.isolation import Limits, warm_up
from ...gates.more_cases import with_more_cases
from ...scaffold.regions import replace_body
from ...scaffold.render import KERNEL
from .judge import Bench, Judgement, judge, make_bench
from .mutants import Mutant, mutants_of
from .table import entry

Watch = Callable[[Judgement], None]


def mutate_bodies(
    paths: Iterable[Path],
    effort: Effort,
    *,
    limit: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    save: Path | None = None,
    watch: Watch = lambda judgement: None,
) -> list[Judgement]:
    """The judgements of all mutants, in order; `watch` sees each as it comes. `jobs` mutants at a time: what judges
    them runs in child processes. With `save`, each mutant's kernel.py is written there, and `manifest.json` with the
    verdicts.

    Raises ValueError for a spec that has findings, no body, or a body that does not pass; ScaffoldError where the
    machine lacks what the gates need.
    """
    require_runtime()
    warm_up()
    found: list[Judgement] = []
    for path in paths:
        plan = _plan(path)
        mutants = mutants_of(plan.spec, plan.body, limit=limit, seed=seed)
        with tempfile.TemporaryDirectory(prefix="tospec-mutate-") as folder:
            bench = _bench(plan, effort, Path(folder))
            found += _judged(bench, mutants, jobs, watch if save is None else _saving(plan, save, watch))
    return found


def _saving(plan: Plan, folder: Path, watch: Watch) -> Watch:
    """A watch that also keeps what it sees at once, so that a long run may be interrupted."""
    seen: list[Judgement] = []

    def both(judgement: Judgement) -> None:
        seen.append(judgement)
        save_mutants(plan, seen, folder)
        watch(judgement)

    return both


def _plan(path: Path) -> Plan:
    sink = Sink()
    spec = lint_spec(path, sink)
    plan = committed_plan(spec, find_project(path), sink) if spec is not None else None
    if plan is None or sink.failed:
        said = f": {sink.errors[0].message}" if sink.errors else ""
        raise ValueError(f"{path} has no body that could be mutated{said}")
    return plan


def _bench(plan: Plan, effort: Effort, folder: Path) -> Bench:
    cases = proof_cases(plan.spec, effort, plan.files[KERNEL])
    every = with_more_cases(plan.spec, plan.body, cases)
    return make_bench(plan.spec, plan.body, plan.files[KERNEL], every, Limits(seconds=effort.time_limit), folder)


def _judged(bench: Bench, mutants: list[Mutant], jobs: int, watch: Watch) -> list[Judgement]:
    found = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for judgement in pool.map(lambda mutant: judge(bench, mutant), mutants):
            watch(judgement)
            found.append(judgement)
    return found


def save_mutants(plan: Plan, judgements: Iterable[Judgement], folder: Path) -> None:
    """`<op>-<number>.py` for each mutant of the plan's op, its verdict in `manifest.json`, which keeps other ops'."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.json"
    kept = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else []
    entries = [each for each in kept if each["op"] != plan.spec.op]
    for number, judgement in enumerate(each for each in judgements if each.op == plan.spec.op):
        name = f"{plan.spec.op}-{number:04}.py"
        (folder / name).write_text(replace_body(plan.files[KERNEL], judgement.mutant.code), encoding="utf-8")
        entries.append({"file": name, **entry(judgement)})
    manifest.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
