"""compute-sanitizer: its four tools over one small call, and what their output says."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
_PREFIX = re.compile(r"^=+ ?", re.M)
_SUMMARY = re.compile(r"ERROR SUMMARY: (\d+) errors?|RACECHECK SUMMARY: (\d+) hazards? displayed")
_ERROR = re.compile(
    r"^(?:Error: |Warning: )?(?P<kind>Invalid __\w+__ \w+ of size \d+ bytes|Uninitialized __\w+__ memory read[^\n]*"
    r"|Barrier error detected[^\n]*|Race reported between[^\n]*|Potential \w+ hazard[^\n]*|Misaligned [^\n]*"
    r"|Program hit \w+[^\n]*)"
)
_KERNEL = re.compile(r"\bat (?P<name>[\w:<>~]+)(?:\([^\n]*?\))?\+0x[0-9a-f]+")
_THREAD = re.compile(r"by thread \((?P<thread>[\d, ]+)\) in block \((?P<block>[\d, ]+)\)")
_ADDRESS = re.compile(r"(?:Address |at address )(?P<address>0x[0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Report:
    """One error; what the output does not name is None."""

    kind: str
    kernel: str | None = None
    address: str | None = None
    block: str | None = None
    thread: str | None = None

    @property
    def message(self) -> str:
        """Without the address, which differs from run to run."""
        where = f" in {self.kernel}" if self.kernel else ""
        who = f", block ({self.block}), thread ({self.thread})" if self.block else ""
        return f"{self.kind}{where}{who}"


@dataclass(frozen=True, slots=True)
class Summary:
    """`errors` is the count that the tool gives; None where it gives none, which is no pass."""

    errors: int | None
    reports: tuple[Report, ...]


def find_sanitizer() -> str | None:
    """compute-sanitizer on the PATH, under CUDA_HOME, or where the toolkit is installed by default."""
    homes = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    places = [str(Path(home, "bin")) for home in (*homes, "/usr/local/cuda") if home]
    return shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path=os.pathsep.join(places))


def sanitizer_command(path: str, tool: str) -> list[str]:
    """What stands before the command that is looked at. Errors of CUDA's interface are not the kernel's: where one
    matters the process fails of itself."""
    common = [path, "--tool", tool, "--print-limit", "20", "--target-processes", "application-only"]
    return [*common, "--report-api-errors", "no"] if tool == "memcheck" else common


def parse_output(text: str) -> Summary:
    """The errors that an output of any of the tools names, and how many the tool counts."""
    plain = _PREFIX.sub("", text)
    found = _SUMMARY.findall(plain)
    counts = [int(number) for pair in found for number in pair if number]
    return Summary(max(counts) if counts else None, tuple(_reports(plain)))


def _reports(plain: str) -> Iterator[Report]:
    """A report is a line that names an error, and the lines up to the next such line."""
    blocks: list[list[str]] = []
    for line in map(str.strip, plain.splitlines()):
        if _ERROR.match(line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    for block in blocks:
        yield _report("\n".join(block))


def _report(text: str) -> Report:
    error, kernel = _ERROR.match(text), _KERNEL.search(text)
    thread, address = _THREAD.search(text), _ADDRESS.search(text)
    return Report(
        kind=error["kind"].strip() if error else text.splitlines()[0],
        kernel=kernel["name"] if kernel else None,
        address=address["address"] if address else None,
        block=thread["block"] if thread else None,
        thread=thread["thread"] if thread else None,
    )
