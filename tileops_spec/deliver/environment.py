"""What the machine has: packages, compilers, a GPU."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing looked for. `optional`: builds go on without it, and a gate says `skipped`."""

    name: str
    ok: bool
    detail: str
    optional: bool = False
    remedy: str = ""


def package_version(name: str) -> str | None:
    """The installed version of a distribution, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def missing_runtime() -> tuple[Capability, ...]:
    """What proving a body needs and this machine lacks."""
    needed = ("torch", "tilelang", "g++")
    return tuple(each for each in (*_packages(), *_tools()) if each.name in needed and not each.ok)


def examine() -> tuple[Capability, ...]:
    """Everything that a command of tospec may need, in the order of need."""
    return (Capability("python", True, platform.python_version()), *_packages(), *_tools(), _gpu(), *_isolation())


def _isolation() -> tuple[Capability, ...]:
    """The layers around a body's processes, each tried out; builds go on without one."""
    from ..gates.confine.probe import layers

    return tuple(
        Capability(layer.name, layer.holds, _said(layer.holds, layer.purpose), True, f"instead: {layer.without}")
        for layer in layers()
    )


def _said(holds: bool, purpose: str) -> str:
    return (
        f"holds (isolation of bodies: {purpose})" if holds else f"not on this system (isolation of bodies: {purpose})"
    )


def _packages() -> tuple[Capability, ...]:
    return (
        _package("torch", "oracle, emulated runs", "pip install 'tospec[kernel]'"),
        _package("tilelang", "lowering, emulated runs", "pip install 'tospec[kernel]'"),
        _package("ruff", "formatting of generated files", "pip install ruff"),
        _package("anthropic", "the provider of that name", "pip install 'tospec[anthropic]'", optional=True),
    )


def _tools() -> tuple[Capability, ...]:
    return (
        _tool("g++", ("--version",), "emulate gate", "install g++ (Debian: apt install g++)"),
        _tool("nvcc", ("--version",), "compile gate", "install the CUDA toolkit, or leave the gate skipped", True),
    )


def _package(name: str, purpose: str, remedy: str, optional: bool = False) -> Capability:
    found = package_version(name)
    detail = f"{found} ({purpose})" if found else f"not installed; needed for: {purpose}"
    return Capability(name, found is not None, detail, optional, remedy)


def _tool(name: str, flags: tuple[str, ...], purpose: str, remedy: str, optional: bool = False) -> Capability:
    path = shutil.which(name)
    if path is None:
        return Capability(name, False, f"not found; needed for: {purpose}", optional, remedy)
    return Capability(name, True, f"{_last_line(path, flags)} at {path} ({purpose})", optional)


def _last_line(path: str, flags: tuple[str, ...]) -> str:
    """The line of a tool's version text that holds a number."""
    try:
        shown = subprocess.run((path, *flags), capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "does not answer"
    lines = [line.strip() for line in shown.splitlines() if any(char.isdigit() for char in line)]
    release = [line for line in lines if "release" in line]
    return (release or lines or ["version unknown"])[0]


def _gpu() -> Capability:
    """The GPUs that the driver shows; torch is not asked, so that nothing heavy is imported."""
    path = shutil.which("nvidia-smi")
    if path is not None:
        query = (path, "--query-gpu=name,driver_version", "--format=csv,noheader")
        shown = subprocess.run(query, capture_output=True, text=True, timeout=20)
        if shown.returncode == 0 and shown.stdout.strip():
            return Capability("gpu", True, "; ".join(shown.stdout.strip().splitlines()), True)
    return Capability("gpu", False, "none: kernels run emulated on the CPU", True, "bench needs one; build does not")
