"""Each layer of isolation, tried by a child that misbehaves; where a layer is missing here, its test says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tileops_spec.deliver.environment import examine
from tileops_spec.gates.confine import landlock, seccomp
from tileops_spec.gates.confine.probe import holds, layers
from tileops_spec.gates.isolation import Completed, Crashed, Limits, Outcome, Raised, run_isolated

ATTEMPTS = """\
import gc, mmap, os, socket, subprocess, sys, threading, time

def outside(path):
    open(path, "w").close()

def inside():
    open("file", "w").write("x")
    os.mkdir("folder")
    raise ValueError(open("file").read())

def read(path):
    raise ValueError(open(path).read())

def network():
    socket.create_connection(("127.0.0.1", 9), timeout=1)

def fork():
    os.fork()

def program():
    subprocess.run(["true"], check=True)

def parent():
    os.kill(os.getppid(), 9)

def debugger():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), 0, 0) != 0:
        raise PermissionError(ctypes.get_errno(), "ptrace")

def memory():
    hoard = []
    while True:
        hoard.append(mmap.mmap(-1, 2**28))

def disk():
    with open("large", "wb") as file:
        file.truncate(2**40)

def descriptors():
    raise ValueError(str(len([os.open("/dev/null", os.O_RDONLY) for _ in range(100_000)])))

def inherited():
    raise ValueError(" ".join(sorted(os.listdir("/proc/self/fd"))))

def threads():
    for _ in range(3):
        threading.Thread(target=time.sleep, args=(600,)).start()
    raise ValueError("done")

def judge():
    kinds = {type(each).__name__ for each in gc.get_objects()}
    raise ValueError(" ".join(sorted(kinds & {"Estimate", "Case", "Binding", "Verdict"})))

def crash():
    os.abort()

def escape():
    raise ValueError("\\x1b[31merror\\x1b[0m")

def claims(text):
    open("result.json", "w").write(text)
    os._exit(0)
"""


@pytest.fixture
def attempt(tmp_path: Path):
    path = tmp_path / "kernel.py"
    path.write_text(ATTEMPTS, encoding="utf-8")

    def call(name: str, seconds: float = 30.0, **arguments: object) -> Outcome:
        payload = {"kernel": str(path), "factory": name, "arguments": arguments}
        return run_isolated("trace", payload, Limits(seconds=seconds))

    return call


def _refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Raised) and outcome.type in ("PermissionError", "BlockingIOError")


needs = {name: pytest.mark.skipif(not holds(name), reason=f"{name} does not hold here") for name in ("landlock",)}


@needs["landlock"]
def test_writes_outside_of_the_folder(attempt, tmp_path: Path) -> None:
    assert _refused(attempt("outside", path=str(tmp_path / "outside")))
    assert not (tmp_path / "outside").exists()


@needs["landlock"]
@pytest.mark.parametrize("path", ["/etc/passwd", "specs/gemm.yaml", "tests/conftest.py"])
def test_reads_of_what_is_no_code(attempt, root: Path, path: str) -> None:
    assert _refused(attempt("read", path=str(root / path)))


def test_its_own_folder_is_free(attempt) -> None:
    outcome = attempt("inside")
    assert isinstance(outcome, Raised)
    assert outcome.message == "x"


@pytest.mark.skipif(not (holds("seccomp") or holds("namespaces")), reason="neither seccomp nor namespaces hold here")
def test_no_network(attempt) -> None:
    outcome = attempt("network")
    assert isinstance(outcome, Raised)
    assert outcome.type == ("PermissionError" if holds("seccomp") else "OSError")


@pytest.mark.skipif(not holds("seccomp"), reason="seccomp does not hold here")
@pytest.mark.parametrize("name", ["fork", "program", "parent", "debugger"])
def test_no_other_process(attempt, name: str) -> None:
    assert _refused(attempt(name))


def test_memory_is_limited_before_the_machine_runs_out(attempt) -> None:
    started = time.monotonic()
    outcome = attempt("memory")
    assert isinstance(outcome, Raised)
    assert outcome.type == "OSError"  # what mmap says
    assert time.monotonic() - started < 25


def test_files_are_limited(attempt) -> None:
    outcome = attempt("disk")
    assert isinstance(outcome, Raised | Crashed)


def test_descriptors_are_limited(attempt) -> None:
    """It cannot even write its result."""
    assert isinstance(attempt("descriptors"), Crashed)


def test_threads_end_with_the_task(attempt) -> None:
    started = time.monotonic()
    assert isinstance(attempt("threads"), Raised)
    assert time.monotonic() - started < 10


def test_nothing_of_the_judge_is_in_its_memory(attempt) -> None:
    outcome = attempt("judge")
    assert isinstance(outcome, Raised)
    assert outcome.message == ""


def test_a_crash_is_told_by_its_signal(attempt) -> None:
    outcome = attempt("crash")
    assert isinstance(outcome, Crashed)
    assert outcome.reason == "SIGABRT"


def test_terminal_codes_are_taken_out(attempt) -> None:
    outcome = attempt("escape")
    assert isinstance(outcome, Raised)
    assert outcome.message.isprintable()


CLAIMS = ['{"runs": []}', "[]", "null", "[" * 100_000, '{"type": 1, "message": "", "line": 0}', '{"value', "\0"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_result_of_another_structure_is_none(attempt, claim: str) -> None:
    assert isinstance(attempt("claims", text=claim), Crashed)


def test_a_claim_of_success_gives_text_at_most(attempt) -> None:
    """What a body writes itself stands for a traced kernel, which other processes read, and for nothing more."""
    assert attempt("claims", text=json.dumps({"value": "{}"})) == Completed("{}")
    outcome = run_isolated("inspect", {"function": "{}", "kernel": "kernel.py"})
    assert isinstance(outcome, Raised | Crashed)


def test_layers_that_hold_are_told() -> None:
    assert {layer.name for layer in layers()} == {"limits", "namespaces", "landlock", "seccomp"}
    assert holds("limits")
    assert holds("landlock") == (landlock.version() > 0)
    if sys.platform.startswith("linux") and os.uname().machine in ("x86_64", "aarch64"):
        assert seccomp.is_known()


LEFT_BEHIND = """\
import os, sys, tempfile, time
from tileops_spec.gates import child, tasks
from tileops_spec.gates.confine import namespaces

mark = sys.argv[2]

def leave():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open(mark + "-started", "w").close()
            time.sleep(1)
            open(mark, "w").close()
        os._exit(0)
    time.sleep(0.3)
    return "done"

tasks.TASKS["leave"] = leave
if sys.argv[1] == "without namespaces":
    namespaces.separate = lambda: False
with tempfile.TemporaryDirectory() as folder:
    if os.fork() == 0:
        child.run_task("leave", "{}", folder, 30, 2**34)
    os.wait()
    print(open(folder + "/result.json").read())
"""


@pytest.mark.parametrize("how", ["with namespaces", "without namespaces"])
def test_what_forks_away_is_ended(tmp_path: Path, how: str) -> None:
    """By the end of its process tree, or by the keeper; here no seccomp keeps it from forking."""
    mark = tmp_path / "mark"
    command = (sys.executable, "-c", LEFT_BEHIND, how, str(mark))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == '{"value": "done"}\n', done.stderr
    assert Path(f"{mark}-started").exists()
    time.sleep(1.2)
    assert not mark.exists()


def test_doctor_tells_the_layers() -> None:
    told = {each.name: each for each in examine()}
    for layer in layers():
        assert told[layer.name].ok == layer.holds
        assert told[layer.name].optional
