"""fill: bodies from a provider, judged, repaired, published; every bad answer ends in its finding."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from .conftest import BODY, ProjectFolder, answer

KERNEL_LINE = "threads=128) as (bx, by):\n"
BAD = {
    "does not parse": (BODY.replace("as (bx, by):", "as (bx, by:"), "TS401"),
    "imports torch": ("import torch\n" + BODY, "TS402"),
    "calls torch": (BODY.replace(KERNEL_LINE, KERNEL_LINE + "    torch.add(x, w)\n"), "TS403"),
    "dunder": (BODY.replace(KERNEL_LINE, KERNEL_LINE + "    ().__class__\n"), "TS403"),
    "does not lower": (BODY.replace(KERNEL_LINE, KERNEL_LINE + "    T.ceildiv(M)\n"), "TS411"),
    "wrong value": (BODY.replace("+ (", "- ("), "TS431"),
    "tail unwritten": (BODY.replace("T.ceildiv(N, block_N)", "T.max(1, N // block_N)"), "TS436"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_body(project: ProjectFolder, fault: str) -> None:
    code, finding = BAD[fault]
    before = project.snapshot()
    outcome = project.fill(answer(code), flags=("--max-attempts", "1"))
    assert outcome.return_value == 1
    assert "error[TS503]" in outcome.stderr
    kept = project.root.glob(".tospec/runs/scaled_add/*/*/verdicts.json")
    assert finding in "".join(path.read_text(encoding="utf-8") for path in kept)
    assert "Traceback" not in outcome.output
    assert project.snapshot() == before


def test_endless_body(project: ProjectFolder) -> None:
    code = BODY.replace(KERNEL_LINE, KERNEL_LINE + "    while by >= 0:\n        T.clear(y)\n")
    code = code.replace("T.clear(y)", "y[0, 0] = 0")
    outcome = project.fill(answer(code), flags=("--max-attempts", "1", "--time-limit", "10"))
    assert outcome.return_value == 1
    assert "did not end" in outcome.stderr


def test_repair_after_a_wrong_body(project: ProjectFolder) -> None:
    outcome = project.fill(answer(BODY.replace("+ (", "- (")), answer())
    assert outcome.return_value == 0, outcome.output
    lock = (project.root / "tospec.lock").read_text(encoding="utf-8")
    assert "attempts = 2" in lock
    assert 'provider = "command"' in lock
    (repair,) = project.root.glob(".tospec/runs/scaled_add/*/attempt-2/prompt.md")
    assert "TS431" in repair.read_text(encoding="utf-8")


def test_unreadable_answer(project: ProjectFolder) -> None:
    outcome = project.fill("I would rather not.", flags=("--max-attempts", "2"))
    assert outcome.return_value == 1
    assert "no body passed after 2 attempts" in outcome.stderr


def test_program_that_fails(project: ProjectFolder) -> None:
    command = f"{sys.executable} -c 'import sys; sys.exit(\"out of tokens\")'"
    outcome = project.run("fill", str(project.spec), "--provider", "command", "--command", command)
    assert outcome.return_value == 1
    assert "error[TS501]" in outcome.stderr
    assert "out of tokens" in outcome.stderr


def test_command_needs_a_program(project: ProjectFolder) -> None:
    command = (sys.executable, "-m", "tileops_spec.cli", "fill", str(project.spec), "--provider", "command")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--command" in done.stderr


def test_handoff(project: ProjectFolder) -> None:
    """A person, or an agent, answers in the folder."""

    def respond() -> None:
        place = project.root / ".tospec" / "handoff" / "scaled_add-1"
        while not (place / "request.json").exists():
            time.sleep(0.05)
        (place / "answer-meta.json").write_text('{"model": "someone", "tokens_out": 7}')
        (place / "answer.md.new").write_text(answer())
        (place / "answer.md.new").rename(place / "answer.md")

    responder = threading.Thread(target=respond)
    responder.start()
    flags = ("--provider", "handoff", "--timeout", "60", "--cases", "2")
    outcome = project.run("fill", str(project.spec), *flags)
    responder.join()
    assert outcome.return_value == 0, outcome.output
    lock = (project.root / "tospec.lock").read_text(encoding="utf-8")
    assert 'model = "someone"' in lock
    assert "tokens_out = 7" in lock


@pytest.mark.parametrize("delay", [1.0, 3.0, 5.0, 7.0])
def test_killed_build_leaves_the_tree_whole(built: ProjectFolder, delay: float) -> None:
    """Kill a build that has everything to write at several moments: files and lock agree before and after the next."""
    spec = built.spec.read_text(encoding="utf-8").replace("Adds a scaled", "Adds the scaled")
    built.spec.write_text(spec, encoding="utf-8")
    before = built.snapshot()
    command = (sys.executable, "-m", "tileops_spec.cli", "build", str(built.spec), "--cases", "2", "--again")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = built.snapshot()
    finished = built.build()
    assert finished.return_value == 0, finished.output
    after = built.snapshot()
    assert left in (before, after)
    assert built.run("diff", str(built.spec)).return_value == 0
