"""Publication: only what changed, all or nothing, one writer at a time."""

from __future__ import annotations

import importlib.util
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tileops_spec.scaffold.lock import LockError, read_lock
from tileops_spec.scaffold.publish import publish, recover
from tileops_spec.scaffold.tree_lock import Busy, tree_lock

_PUBLISHER = Path(__file__).with_name("publisher.py")
_loaded = importlib.util.spec_from_file_location("publisher", _PUBLISHER)
publisher = importlib.util.module_from_spec(_loaded)
_loaded.loader.exec_module(publisher)


def version_on_disk(root: Path) -> str | None:
    """The one version that every file and the lock name; None for an empty tree; fails for a mixture."""
    texts = {str(path.relative_to(root)): path.read_text() for path in (root / "generated").rglob("*.py")}
    locked = read_lock(root).ops.get("op")
    if not texts:
        assert locked is None
        return None
    version = texts["generated/op/op.py"].split()[1]
    assert texts == publisher.content(version)
    assert locked == publisher.entry(version)
    return version


def run_publisher(root: Path, version: str, *step: object, kill_after: float | None = None) -> int:
    command = [sys.executable, str(_PUBLISHER), str(root), version, *map(str, step)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if kill_after is not None:
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    child.communicate()
    return child.returncode


def put(root: Path, version: str) -> list[str]:
    return publish(root, publisher.content(version), entries={"op": publisher.entry(version)})


def test_writes_only_what_changed(tmp_path):
    everything = [*sorted(publisher.content("v1")), "tospec.lock"]
    assert put(tmp_path, "v1") == everything
    stamp = {path: (tmp_path / path).stat().st_mtime_ns for path in everything}
    assert put(tmp_path, "v1") == []
    files = {**publisher.content("v1"), "generated/op/op.py": "new\n"}
    assert publish(tmp_path, files) == ["generated/op/op.py"]
    changed = {path for path in everything if (tmp_path / path).stat().st_mtime_ns != stamp[path]}
    assert changed == {"generated/op/op.py"}
    assert list((tmp_path / ".tospec" / "stage").iterdir()) == []


def test_entries_of_other_ops_stay(tmp_path):
    publish(tmp_path, {}, entries={"a": publisher.entry("1")})
    publish(tmp_path, {}, entries={"b": publisher.entry("2")})
    assert set(read_lock(tmp_path).ops) == {"a", "b"}
    publish(tmp_path, {}, entries={"a": None})
    assert set(read_lock(tmp_path).ops) == {"b"}


@pytest.mark.parametrize(
    "path", ["../x.py", "generated/../x.py", "/etc/x", "specs/gemm.yaml", "generated", "tospec.lock", ""]
)
def test_refuses_paths_outside(tmp_path, path):
    with pytest.raises(ValueError, match="generated"):
        publish(tmp_path, {path: "x"})
    assert list(tmp_path.iterdir()) == []


def test_refuses_links_that_lead_outside(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / "generated").mkdir(parents=True)
    (root / "generated" / "op").symlink_to(elsewhere)
    with pytest.raises(ValueError, match="generated"):
        publish(root, {"generated/op/op.py": "x"})


def test_damaged_lock_stops_everything(tmp_path):
    (tmp_path / "tospec.lock").write_text("version = \n")
    with pytest.raises(LockError):
        put(tmp_path, "v1")
    assert not (tmp_path / "generated").exists()


def test_killed_before_each_step(tmp_path):
    """A child ends itself before step 0, 1, …: the tree is the old one or, once recovered, the new one."""
    put(tmp_path, "v0")
    version, outcomes = "v0", set()
    for step in range(100):
        target = f"v{step + 1}"
        died = run_publisher(tmp_path, target, step) == -signal.SIGKILL
        recover(tmp_path)
        now = version_on_disk(tmp_path)
        assert now in (version, target)
        outcomes.add(now == target)
        version = now
        assert list((tmp_path / ".tospec" / "stage").iterdir()) == []
        if not died:
            break
    assert now == target
    assert step > 12
    assert outcomes == {True, False}


def test_killed_at_random_moments(tmp_path):
    put(tmp_path, "v0")
    start = time.monotonic()
    assert run_publisher(tmp_path, "v0") == 0
    whole = time.monotonic() - start
    allowed = {"v0"}
    moment = random.Random(7)
    for number in range(1, 9):
        allowed.add(f"v{number}")
        run_publisher(tmp_path, f"v{number}", kill_after=whole * moment.uniform(0.6, 1.0))
        recover(tmp_path)
        assert version_on_disk(tmp_path) in allowed


def test_recovery_can_be_killed_too(tmp_path):
    put(tmp_path, "v0")
    steps = int(
        subprocess.run(
            [sys.executable, str(_PUBLISHER), str(tmp_path / "other"), "v1"], capture_output=True, text=True, check=True
        ).stdout
    )
    after_journal = steps - 5
    assert run_publisher(tmp_path, "v1", after_journal) == -signal.SIGKILL
    for _ in range(3):
        _recover_and_die(tmp_path)
    recover(tmp_path)
    assert version_on_disk(tmp_path) == "v1"


def _recover_and_die(root: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tileops_spec.scaffold.journal import recover\n"
        "seen = []\n"
        "def die(step):\n"
        "    seen.append(step)\n"
        "    if len(seen) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "recover(Path(sys.argv[1]), die)"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=False)


def test_an_edit_after_the_kill_is_kept(tmp_path):
    put(tmp_path, "v0")
    for step in range(100):
        assert run_publisher(tmp_path, "v1", step) == -signal.SIGKILL
        if list((tmp_path / ".tospec/stage").glob("*/journal.json")):
            break
        recover(tmp_path)
    edited = tmp_path / "generated/op/test_op.py"
    edited.write_text("mine\n")
    assert "generated/op/test_op.py" in recover(tmp_path)
    assert version_on_disk(tmp_path) == "v1"
    (kept,) = (tmp_path / ".tospec/lost").rglob("test_op.py")
    assert kept.read_text() == "mine\n"


def test_second_writer_is_told(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from tileops_spec.scaffold.tree_lock import tree_lock\n"
        "with tree_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(30)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy) as raised:
            publish(tmp_path, publisher.content("v1"), timeout=0.1)
        assert raised.value.diagnostics[0].code == "TS305"
        assert str(holder.pid) in raised.value.diagnostics[0].message
    finally:
        holder.kill()
        holder.communicate()
    assert put(tmp_path, "v1")


def test_second_writer_waits(tmp_path):
    with tree_lock(tmp_path):
        child = subprocess.Popen([sys.executable, str(_PUBLISHER), str(tmp_path), "v1"], stdout=subprocess.DEVNULL)
        time.sleep(0.6)
        assert child.poll() is None
    assert child.wait(timeout=20) == 0
    assert version_on_disk(tmp_path) == "v1"
