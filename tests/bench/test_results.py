"""Reports: derived figures, JSON both ways, the table."""

from __future__ import annotations

import json

import pytest

from tileops_spec.bench.results import Environment, Report, Row, Sample, from_json, to_json
from tileops_spec.bench.roofline import peaks_of
from tileops_spec.bench.table import render_markdown
from tileops_spec.bench.timing import Timing
from tileops_spec.ir.dtypes import DTYPES

ENVIRONMENT = Environment(device="NVIDIA H200", date="2026-01-02T03:04:05+00:00", versions={"torch": "2.13"})


def sample(name: str, ms: float) -> Sample:
    return Sample.of(name, Timing((ms * 0.9, ms, ms * 1.1)))


ROW = Row(
    workload="square-8192",
    dtypes={"T": "f16"},
    flops=2 * 8192**3,
    bytes=3 * 8192**2 * 2,
    floor_ms=1.1,
    candidate=sample("gemm", 2.0),
    baselines=(sample("torch", 1.6), sample("other", 3.0)),
    failed={"third": "no module named third"},
)
ALONE = Row(workload="w", dtypes={}, flops=10, bytes=10, floor_ms=None, candidate=sample("op", 0.01), failed={})
REPORT = Report(op="gemm", environment=ENVIRONMENT, rows=(ROW, ALONE))


def test_derived_figures():
    assert ROW.best_baseline.name == "torch"
    assert ROW.ratio == pytest.approx(0.8)
    assert ROW.tflops == pytest.approx(549.756, rel=1e-4)
    assert ROW.gigabytes_per_second == pytest.approx(201.3, rel=1e-3)
    assert ROW.roofline_share == pytest.approx(0.55)
    assert (ALONE.ratio, ALONE.roofline_share, ALONE.best_baseline) == (None, None, None)


def test_json_round_trip():
    data = json.loads(json.dumps(to_json(REPORT)))
    assert from_json(data) == REPORT
    assert data["rows"][0]["ratio"] == pytest.approx(0.8)


def test_other_versions_are_refused():
    with pytest.raises(ValueError, match="version 2"):
        from_json({**to_json(REPORT), "version": 2})


def test_markdown():
    text = render_markdown(REPORT)
    lines = text.splitlines()
    assert lines[0] == "### gemm on NVIDIA H200"
    table = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in table}) == 1
    assert [cell.strip() for cell in table[2].strip("|").split("|")] == [
        "square-8192",
        "T=f16",
        "2.000",
        "1.840 – 2.160",
        "torch",
        "1.600",
        "0.80×",
        "549.8",
        "201",
        "55%",
    ]
    assert "- square-8192: third failed: no module named third" in text


def test_floor_is_the_longer_of_computing_and_moving():
    peaks = peaks_of("NVIDIA H200")
    assert peaks.floor_ms(2 * 8192**3, 3 * 8192**2 * 2, DTYPES["f16"]) == pytest.approx(1.1113, rel=1e-3)
    assert peaks.floor_ms(1, 4_800_000_000, DTYPES["f16"]) == pytest.approx(1.0)
    assert peaks_of("Unknown 9000") is None
