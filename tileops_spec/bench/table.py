"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .results import Report, Row

_HEAD = ("workload", "dtypes", "ms", "p10 – p90", "best baseline", "ms", "ratio", "TFLOP/s", "GB/s", "roofline")


def render_markdown(report: Report) -> str:
    """Where and when, one table, and what failed; ends in a line break."""
    environment = report.environment
    versions = ", ".join(f"{tool} {version}" for tool, version in environment.versions.items())
    lines = [f"### {report.op} on {environment.device}", "", f"{environment.date}; {versions}.", ""]
    lines += _table([_HEAD, *(_cells(row) for row in report.rows)])
    failed = [
        f"- {row.workload}: {name} failed: {reason}" for row in report.rows for name, reason in row.failed.items()
    ]
    return "\n".join([*lines, *(["", *failed] if failed else [])]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    best = row.best_baseline
    return (
        row.workload,
        " ".join(f"{name}={dtype}" for name, dtype in row.dtypes.items()) or "–",
        _ms(row.candidate.median_ms),
        f"{_ms(row.candidate.p10_ms)} – {_ms(row.candidate.p90_ms)}",
        best.name if best else "–",
        _ms(best.median_ms) if best else "–",
        _ratio(row.ratio),
        f"{row.tflops:.1f}",
        f"{row.gigabytes_per_second:.0f}",
        f"{row.roofline_share:.0%}" if row.roofline_share is not None else "–",
    )


def _ms(milliseconds: float) -> str:
    """Four significant digits, without an exponent."""
    digits = max(0, 3 - len(str(int(milliseconds))) + 1) if milliseconds >= 1 else 4
    return f"{milliseconds:.{digits}f}"


def _ratio(ratio: float | None) -> str:
    return f"{ratio:.2f}×" if ratio is not None else "–"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]) for row in rows]
    return [lines[0], _line(["-" * width for width in widths]), *lines[1:]]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
