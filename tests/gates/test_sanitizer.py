"""The parser of compute-sanitizer's output.

The texts are samples written by hand in the form that its tools print, not records of a run.
"""

from __future__ import annotations

import pytest

from tileops_spec.gates.device.sanitized import said_of
from tileops_spec.gates.device.sanitizer import TOOLS, Report, Summary, parse_output, sanitizer_command
from tileops_spec.gates.isolation import Completed, Crashed, TimedOut

MEMCHECK = """\
========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 2 bytes
=========     at main_kernel(half *, half *)+0x1a0
=========     by thread (31,0,0) in block (1,0,0)
=========     Address 0x7f2c5a000400 is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f2c5a000000 of size 1024 bytes
=========
========= Invalid __global__ write of size 2 bytes
=========     at main_kernel(half *, half *)+0x1a0
=========     by thread (32,0,0) in block (1,0,0)
=========     Address 0x7f2c5a000402 is out of bounds
=========
========= ERROR SUMMARY: 2 errors
"""
RACECHECK = """\
========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at main_kernel+0x120
=========     and Read access at main_kernel+0x210 [512 hazards]
=========
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
"""
INITCHECK = """\
========= COMPUTE-SANITIZER
========= Uninitialized __global__ memory read of size 4 bytes
=========     at main_kernel+0x50
=========     by thread (0,0,0) in block (0,0,0)
=========     Address 0x7f0000000000
=========
========= ERROR SUMMARY: 1 error
"""
SYNCCHECK = """\
========= COMPUTE-SANITIZER
========= Barrier error detected. Divergent thread(s) in block
=========     at main_kernel+0x90
=========     by thread (64,0,0) in block (3,2,0)
=========
========= ERROR SUMMARY: 1 error
"""
CLEAN = "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n"
DONE = Completed({})


def test_memcheck() -> None:
    summary = parse_output(MEMCHECK)
    assert summary.errors == 2
    assert summary.reports[0] == Report(
        kind="Invalid __global__ write of size 2 bytes",
        kernel="main_kernel",
        address="0x7f2c5a000400",
        block="1,0,0",
        thread="31,0,0",
    )
    assert "0x7f" not in summary.reports[0].message


@pytest.mark.parametrize(
    ("text", "kind", "block"),
    [
        (RACECHECK, "Race reported between", None),
        (INITCHECK, "Uninitialized __global__ memory read", "0,0,0"),
        (SYNCCHECK, "Barrier error detected", "3,2,0"),
    ],
)
def test_other_tools(text: str, kind: str, block: str | None) -> None:
    summary = parse_output(text)
    (report,) = summary.reports
    assert summary.errors == 1
    assert report.kind.startswith(kind)
    assert (report.kernel, report.block) == ("main_kernel", block)


def test_clean_output_is_the_only_pass() -> None:
    assert parse_output(CLEAN) == Summary(0, ())
    assert said_of(parse_output(CLEAN), DONE) == "no errors"
    assert said_of(parse_output(CLEAN), Crashed("SIGSEGV", "")) == "no result"
    assert said_of(parse_output("nothing of the kind"), DONE) == "no result"
    assert said_of(parse_output(""), TimedOut(9.0)) == "not ended within 9 s"
    assert said_of(parse_output(MEMCHECK), DONE) == "2 errors"


@pytest.mark.parametrize("tool", TOOLS)
def test_command(tool: str) -> None:
    assert sanitizer_command("/bin/cs", tool)[:3] == ["/bin/cs", "--tool", tool]
