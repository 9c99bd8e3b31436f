"""Isolation: what a child may not do to its parent, and what comes back however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tileops_spec.gates.isolation import Completed, Crashed, Limits, Raised, TimedOut, run_all, run_isolated

KERNEL = """\
import os, signal, subprocess, sys, time

def value(**options):
    raise ValueError("wrong on purpose")

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def endless():
    while True:
        pass

def offspring():
    try:
        subprocess.Popen(["sleep", "611"], start_new_session=True)
    except OSError:
        pass
    time.sleep(600)

def hungry():
    bytearray(64 * 2**30)

def keys():
    raise ValueError(" ".join(sorted(os.environ)))

def folder():
    raise ValueError(os.getcwd())
"""


@pytest.fixture
def run(tmp_path: Path):
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL, encoding="utf-8")

    def call(factory: str, seconds: float = 30.0):
        payload = {"kernel": str(path), "factory": factory, "arguments": {}}
        return run_isolated("trace", payload, Limits(seconds=seconds))

    return call


def test_exception_comes_back_with_its_line(run) -> None:
    outcome = run("value")
    assert isinstance(outcome, Raised)
    assert (outcome.type, outcome.message, outcome.line) == ("ValueError", "wrong on purpose", 4)


def test_death_by_signal(run) -> None:
    outcome = run("killed")
    assert isinstance(outcome, Crashed)
    assert outcome.reason == "SIGKILL"


def test_endless_loop(run) -> None:
    started = time.monotonic()
    outcome = run("endless", seconds=2)
    assert isinstance(outcome, TimedOut)
    assert time.monotonic() - started < 20


def test_children_of_the_child_die_with_it(run) -> None:
    """Also one that went to a session of its own."""
    assert isinstance(run("offspring", seconds=3), TimedOut)
    time.sleep(0.2)
    assert "sleep 611" not in _command_lines()


def _command_lines() -> str:
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            texts.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(texts)


def test_memory_limit(run) -> None:
    outcome = run("hungry")
    assert isinstance(outcome, Raised)
    assert outcome.type == "MemoryError"


def test_scratch_folder_is_gone_afterwards(run) -> None:
    outcome = run("folder")
    assert isinstance(outcome, Raised)
    assert not Path(outcome.message).exists()
    assert outcome.message != os.getcwd()


def test_outcomes_keep_the_order_of_the_payloads(run, tmp_path: Path) -> None:
    payload = {"kernel": str(tmp_path / "kernel.py"), "arguments": {}}
    outcomes = list(run_all("trace", [{**payload, "factory": name} for name in ("value", "killed", "value")]))
    assert [type(outcome) for outcome in outcomes] == [Raised, Crashed, Raised]
    assert not any(isinstance(outcome, Completed) for outcome in outcomes)


def test_no_secret_reaches_a_child(tmp_path: Path, root: Path) -> None:
    """In a process of its own: the server keeps the environment that it was started with."""
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL, encoding="utf-8")
    code = (
        "from tileops_spec.gates.isolation import run_isolated\n"
        "if __name__ == '__main__':\n"
        f"    payload = dict(kernel={str(path)!r}, factory='keys', arguments={{}})\n"
        "    print(run_isolated('trace', payload).message)\n"
    )
    environment = {**os.environ, "ANTHROPIC_API_KEY": "x", "HF_TOKEN": "y", "DATABASE_URL": "z", "CXX": "g++"}
    command = (sys.executable, "-c", code)
    shown = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"PATH", "CXX"} <= set(shown)
    assert not {"ANTHROPIC_API_KEY", "HF_TOKEN", "DATABASE_URL"} & set(shown)


def test_the_callers_script_is_not_run_again(tmp_path: Path) -> None:
    """A script without `if __name__ == "__main__"` works."""
    kernel = tmp_path / "kernel.py"
    kernel.write_text(KERNEL, encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(
        "from tileops_spec.gates.isolation import run_isolated\n"
        "print('begins')\n"
        f"payload = {{'kernel': {str(kernel)!r}, 'factory': 'value', 'arguments': {{}}}}\n"
        "print(run_isolated('trace', payload).message)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == ["begins", "wrong on purpose", ""], done.stderr
