"""What a benchmark found, as data."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where and when: `versions` by tool name, `date` in UTC as ISO 8601."""

    device: str
    date: str
    versions: Mapping[str, str]

    @classmethod
    def here(cls) -> Environment:
        """The current GPU, the installed versions, today."""
        import torch

        from .. import __version__

        versions = {"tospec": __version__, "torch": torch.__version__, "cuda": str(torch.version.cuda)}
        now = datetime.datetime.now(datetime.timezone.utc)
        return cls(
            device=torch.cuda.get_device_name(),
            date=now.isoformat(timespec="seconds"),
            versions={**versions, "tilelang": _installed("tilelang")},
        )


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One implementation on one workload; times in milliseconds."""

    name: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    runs: int

    @classmethod
    def of(cls, name: str, timing: Timing) -> Sample:
        p10, p90 = timing.percentile(10), timing.percentile(90)
        return cls(name=name, median_ms=timing.median, p10_ms=p10, p90_ms=p90, runs=len(timing.milliseconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One workload with one choice of dtypes.

    `flops` and `bytes` are what the mathematics needs, not what an implementation spends; `floor_ms` is the least time
    in which the device could do that, None where its peaks are unknown. `failed` are baselines with their errors.
    """

    workload: str
    dtypes: Mapping[str, str]
    flops: int
    bytes: int
    floor_ms: float | None
    candidate: Sample
    baselines: tuple[Sample, ...] = ()
    failed: Mapping[str, str]

    @property
    def best_baseline(self) -> Sample | None:
        return min(self.baselines, key=lambda sample: sample.median_ms, default=None)

    @property
    def ratio(self) -> float | None:
        """Speed against the best baseline: above 1 the candidate is faster."""
        best = self.best_baseline
        return best.median_ms / self.candidate.median_ms if best else None

    @property
    def tflops(self) -> float:
        return self.flops / self.candidate.median_ms / 1e9

    @property
    def gigabytes_per_second(self) -> float:
        return self.bytes / self.candidate.median_ms / 1e6

    @property
    def roofline_share(self) -> float | None:
        """The part of the floor in the time taken: 1 is as fast as the device can be."""
        return self.floor_ms / self.candidate.median_ms if self.floor_ms is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of one op's benchmark."""

    op: str
    environment: Environment
    rows: tuple[Row, ...]


def to_json(report: Report) -> dict[str, Any]:
    """Plain data, derived figures included."""
    rows = [
        {
            **asdict(row),
            "ratio": row.ratio,
            "tflops": row.tflops,
            "gigabytes_per_second": row.gigabytes_per_second,
            "roofline_share": row.roofline_share,
        }
        for row in report.rows
    ]
    return {"version": 1, "op": report.op, "environment": asdict(report.environment), "rows": rows}


def from_json(data: Mapping[str, Any]) -> Report:
    """The report in what `to_json` gave; derived figures are derived again. ValueError for another version."""
    if data.get("version") != 1:
        raise ValueError(f"a benchmark report of version {data.get('version')!r}; this tospec reads version 1")
    return Report(
        op=data["op"], environment=Environment(**data["environment"]), rows=tuple(_row(row) for row in data["rows"])
    )


_DERIVED = frozenset({"ratio", "tflops", "gigabytes_per_second", "roofline_share"})


def _row(data: Mapping[str, Any]) -> Row:
    fields = {name: value for name, value in data.items() if name not in _DERIVED}
    samples = {
        "candidate": Sample(**data["candidate"]),
        "baselines": tuple(Sample(**each) for each in data["baselines"]),
    }
    return Row(**{**fields, **samples})
