"""The compile gate: nvcc accepts the CUDA, and the kernel fits the target's registers, shared memory and threads."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..hardware import Target
from .lower import Lowered
from .places import line_span
from .verdict import Stopwatch, Verdict

SPILL_LIMIT = 256
"""Bytes of spilled registers a thread above which a kernel is refused: a few words cost nothing that shows."""
_TIME_LIMIT = 300
_REPORT = "2"
"""Which figures a kept report has: changed with the fields of Resources."""
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
_ERROR = re.compile(r"^(?:.*error.*|ptxas fatal.*)$", re.M | re.I)


@dataclass(frozen=True, slots=True)
class Resources:
    """What ptxas reports of one build: registers and bytes spilled of a thread, bytes of static shared memory of a
    block. `error` is nvcc's, if it refused."""

    registers: int = 0
    spills: int = 0
    error: str | None = None
    shared: int = 0


def check_compilation(builds: Sequence[Lowered], kernel: SourceText, target: Target) -> Verdict:
    """`skipped` where there is no nvcc."""
    watch = Stopwatch()
    nvcc = find_nvcc()
    if nvcc is None:
        summary = "skipped: no nvcc on this machine (PATH or CUDA_HOME); registers and shared memory are unchecked"
        return Verdict(gate="compile", status="skipped", seconds=watch.seconds, summary=summary)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda build: compile_cuda(build.cuda, nvcc, target), builds))
    pairs = list(zip(builds, found, strict=True))
    findings = tuple(finding for build, used in pairs for finding in _findings(build, used, kernel, target))
    return Verdict(
        gate="compile",
        status="failed" if findings else "passed",
        seconds=watch.seconds,
        summary=findings[0].message if findings else _summary(pairs),
        diagnostics=findings,
        tools={"nvcc": nvcc_version(nvcc)},
        facts={build.label: {**asdict(used), "launches": list(build.launches)} for build, used in pairs},
        sources=(kernel,),
    )


def find_nvcc() -> str | None:
    """nvcc on the PATH, or under CUDA_HOME."""
    home = os.environ.get("CUDA_HOME")
    return shutil.which("nvcc") or (shutil.which("nvcc", path=str(Path(home, "bin"))) if home else None)


def nvcc_version(nvcc: str) -> str:
    """Such as `13.0.88`; its text where no number is found."""
    shown = subprocess.run((nvcc, "--version"), capture_output=True, text=True, timeout=60).stdout
    found = re.search(r"V(\d[\d.]*)", shown)
    return found[1] if found else shown.strip()


def compile_cuda(cuda: str, nvcc: str, target: Target) -> Resources:
    """What nvcc says of a CUDA source, kept by the hash of source, flags and nvcc's version."""
    flags = _flags(target)
    key = hashlib.sha256("\0".join((_REPORT, cuda, *flags, nvcc_version(nvcc))).encode()).hexdigest()
    kept = _cache_folder() / f"{key}.json"
    if kept.is_file():
        return Resources(**json.loads(kept.read_text(encoding="utf-8")))
    found = _compile(cuda, nvcc, flags)
    temporary = kept.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(found)), encoding="utf-8")
    temporary.replace(kept)
    return found


def _cache_folder() -> Path:
    folder = Path(os.environ.get("TOSPEC_CACHE_DIR", Path.home() / ".cache" / "tospec")) / "nvcc"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _flags(target: Target) -> tuple[str, ...]:
    spec = find_spec("tilelang")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("tilelang is not installed")
    package = Path(spec.origin).parent
    includes = (f"-I{package / 'src'}", f"-I{package / '3rdparty' / 'cutlass' / 'include'}")
    number = target.tilelang["arch"].removeprefix("sm_")
    architecture = f"-gencode=arch=compute_{number},code=sm_{number}"
    return ("-cubin", "-std=c++20", "-O3", architecture, "-Xptxas", "-v", "--expt-relaxed-constexpr", *includes)


def _compile(cuda: str, nvcc: str, flags: tuple[str, ...]) -> Resources:
    with tempfile.TemporaryDirectory(prefix="tospec-nvcc-") as folder:
        source = Path(folder, "kernel.cu")
        source.write_text(cuda, encoding="utf-8")
        command = (nvcc, *flags, "-o", str(Path(folder, "kernel.cubin")), str(source))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return Resources(error=f"nvcc did not end within {_TIME_LIMIT} s")
    said = done.stdout + done.stderr
    if done.returncode:
        return Resources(error="; ".join(_ERROR.findall(said)[:3]) or said.strip()[-500:])
    spills = [max(int(stores), int(loads)) for stores, loads in _SPILLS.findall(said)]
    most = [max(map(int, pattern.findall(said)), default=0) for pattern in (_REGISTERS, _SHARED)]
    return Resources(registers=most[0], spills=max(spills, default=0), shared=most[1])


def _findings(build: Lowered, used: Resources, kernel: SourceText, target: Target) -> list[Diagnostic]:
    span = line_span(kernel, None)
    if used.error is not None:
        message = f"nvcc rejects the CUDA for {build.label}: {used.error}"
        help_text = "the body lowers but makes code that nvcc refuses: simplify the construct that its message names"
        return [Diagnostic(code="TS421", message=message, span=span, help=help_text)]
    return [
        Diagnostic(code="TS422", message=f"{build.label}: {message}", span=span, help=help_text)
        for launch in build.launches
        for message, help_text in _excesses(launch, used, target)
    ]


def _excesses(launch: dict[str, int], used: Resources, target: Target) -> list[tuple[str, str]]:
    """What a launch asks for beyond the target's limits, and how to ask for less."""
    found = []
    shared = launch["shared"] + used.shared
    if shared > target.shared_memory:
        message = f"{shared} bytes of shared memory a block, of {target.shared_memory} on {target.name}"
        found.append((message, "use smaller tiles or fewer stages"))
    if launch["threads"] > target.threads_per_block:
        found.append((f"{launch['threads']} threads a block, of {target.threads_per_block}", "use fewer threads"))
    if used.spills > SPILL_LIMIT:
        message = f"{used.spills} bytes of registers spilled a thread (limit {SPILL_LIMIT})"
        found.append((message, "use more threads, smaller tiles, or fewer live fragments"))
    return found


def _summary(pairs: list[tuple[Lowered, Resources]]) -> str:
    registers = max(used.registers for _, used in pairs)
    spills = max(used.spills for _, used in pairs)
    shared = max(launch["shared"] for build, _ in pairs for launch in build.launches)
    return f"{len(pairs)} builds: at most {registers} registers, {spills} B spilled, {shared / 1024:.0f} KiB shared"
