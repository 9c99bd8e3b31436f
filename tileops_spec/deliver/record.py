"""The lock entry of a proven body: what was run, where and when, and nothing else."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from ..gates.verdict import Verdict
from ..scaffold.body import Body
from ..scaffold.drift import outside_hashes
from ..scaffold.lock import Entry, GateRecord
from ..scaffold.render import templates_hash
from .plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a body came from. `attempts` and tokens are the provider's; tokens are 0 where it does not count them."""

    provider: str
    model: str | None = None
    prompt: str | None = None
    attempts: int = 1
    tokens_in: int = 0
    tokens_out: int = 0


def known_origin(body: Body, entry: Entry | None) -> Origin:
    """The recorded origin of a committed body; `edited` where it is not the recorded body any more."""
    if entry is None:
        return Origin(provider="unrecorded")
    if entry.body != body.sha256:
        return Origin(provider="edited", attempts=1)
    return Origin(
        provider=entry.provider,
        model=entry.model,
        prompt=entry.prompt,
        attempts=entry.attempts,
        tokens_in=entry.tokens_in,
        tokens_out=entry.tokens_out,
    )


def lock_entry(plan: Plan, origin: Origin, verdicts: Sequence[Verdict]) -> Entry:
    """The entry for a plan whose body the gates accepted."""
    former = plan.committed.entry
    same = former is not None and former.body == plan.body.sha256 and former.contract == plan.contract
    records = {record.gate: record for record in former.gates} if same and former else {}
    for verdict in verdicts:
        records[verdict.gate] = _newer(records.get(verdict.gate), _record(verdict))
    return Entry(
        contract=plan.contract,
        body=plan.body.sha256,
        templates=templates_hash(),
        prompt=origin.prompt,
        provider=origin.provider,
        model=origin.model,
        attempts=origin.attempts,
        tokens_in=origin.tokens_in,
        tokens_out=origin.tokens_out,
        files=outside_hashes(plan.files),
        gates=tuple(records.values()),
    )


def _record(verdict: Verdict) -> GateRecord:
    return GateRecord(
        gate=verdict.gate,
        verdict=verdict.status,
        seconds=round(verdict.seconds, 1),
        date=datetime.date.today(),
        tolerance=verdict.facts.get("tolerance"),
        device=verdict.facts.get("device", f"CPU, {platform.machine()}") if verdict.status != "skipped" else None,
        tools={name: str(value) for name, value in sorted(verdict.tools.items())},
    )


def _says_the_same(former: GateRecord, now: GateRecord) -> bool:
    """CPUs of other kinds say the same, other GPUs do not."""
    names = ("verdict", "tools", "tolerance", *(("device",) if now.gate == "device" else ()))
    return all(getattr(former, name) == getattr(now, name) for name in names)


def _newer(former: GateRecord | None, now: GateRecord) -> GateRecord:
    """The record to keep: one that says the same of the same tools stands, and `skipped` replaces nothing."""
    if former is None:
        return now
    if now.verdict == "skipped" or (_says_the_same(former, now)):
        return former
    return now
