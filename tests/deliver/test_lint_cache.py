"""The cache of lint: it saves the passes, and never changes what is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from zlib import crc32

import pytest
from click.testing import CliRunner

from tileops_spec.cli.main import tospec
from tileops_spec.deliver import lint, lint_cache
from tileops_spec.diagnostics.diagnostic import Diagnostic, Label, Severity, Sink
from tileops_spec.diagnostics.fix import Fix
from tileops_spec.diagnostics.kept import from_kept, to_kept
from tileops_spec.diagnostics.text import Span

FORMATS = ("full", "concise", "json")
CLEAN = """\
op: clean
summary: A probe.
inputs: {x: "f32[M]"}
outputs: {y: "f32[M]"}
math: |
  y[m] = x[m]
"""
SPECS = {
    "clean": CLEAN,
    "misspelt": CLEAN.replace("op: clean", "op: misspelt\ndmis: {M: dynamic}"),
    "broken": "op: 'broken\nsummary: 漢 é\n",
    "unknown": CLEAN.replace("op: clean", "op: unknown").replace("x[m]", "x[m] + z[m] * xx[m]  # 漢"),
    "twice": CLEAN.replace("op: clean", "op: twice\nop: twice").replace("\n", "\r\n"),
    "marked": "\ufeff" + CLEAN.replace("op: clean", "op: marked").replace("y[m] =", "y[n] ="),
}


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """The folder of a project's specs, of which some have findings, and one file is not there."""
    (tmp_path / "tospec.lock").touch()
    folder = tmp_path / "specs"
    folder.mkdir()
    for name, text in SPECS.items():
        (folder / f"{name}.yaml").write_bytes(text.encode())
    return folder


def _lint(folder: Path, *flags: str) -> tuple[int, str]:
    arguments = ["lint", str(folder), str(folder / "gone.yaml"), *flags]
    outcome = CliRunner().invoke(tospec, arguments, standalone_mode=False)
    return outcome.return_value, outcome.output


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the passes run over, as they do."""
    seen: list[str] = []
    original = lint.lint_spec

    def watched(path: Path, sink: Sink) -> object:
        seen.append(path.stem)
        return original(path, sink)

    monkeypatch.setattr(lint, "lint_spec", watched)
    return seen


def _cache(folder: Path) -> Path:
    (path,) = (folder.parent / ".tospec" / "cache" / "lint").iterdir()
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_a_second_run_says_the_same_without_the_passes(specs: Path, passes: list[str], form: str) -> None:
    plain = _lint(specs, "--no-cache", "--output-format", form)
    assert not (specs.parent / ".tospec").exists()
    first = _lint(specs, "--output-format", form)
    passes.clear()
    second = _lint(specs, "--output-format", form)
    assert plain == first == second
    assert plain[0] == 1
    assert passes == ["gone"]


def test_only_what_changed_is_checked(specs: Path, passes: list[str]) -> None:
    _lint(specs)
    passes.clear()
    path = specs / "clean.yaml"
    path.write_text(CLEAN.replace("A probe", "Another"), encoding="utf-8")
    os.utime(specs / "misspelt.yaml")
    _lint(specs)
    assert passes == ["clean", "gone"]


def test_no_cache_is_asked_for(specs: Path, passes: list[str]) -> None:
    _lint(specs)
    passes.clear()
    _lint(specs, "--no-cache")
    assert set(passes) == {*SPECS, "gone"}


def test_another_tool_checks_again(specs: Path, passes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _lint(specs)
    passes.clear()
    monkeypatch.setattr(lint_cache, "fingerprint", lambda: "another")
    _lint(specs)
    assert set(passes) == {*SPECS, "gone"}


def test_old_caches_go(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        monkeypatch.setattr(lint_cache, "fingerprint", lambda number=number: f"v{number}")
        _lint(specs)
    assert len(list((specs.parent / ".tospec" / "cache" / "lint").iterdir())) == lint_cache.MOST_VERSIONS


def test_the_fingerprint_follows_code_and_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = lint_cache.fingerprint.__wrapped__
    before = original()
    assert before == original()
    monkeypatch.setattr(lint_cache, "_version", lambda module: "z3_solver-99.dist-info")
    assert original() != before
    monkeypatch.undo()
    changed = tmp_path / "lint.py"
    changed.write_text("PASSES = ()\n", encoding="utf-8")
    files = [changed if path.name == "lint.py" else path for path in lint_cache.sources()]
    monkeypatch.setattr(lint_cache, "sources", lambda: files)
    assert original() != before


def test_the_fingerprint_covers_whatever_lint_runs(root: Path) -> None:
    """Every module of tospec that a run loads, but for the command around the passes and the cache itself."""
    program = (
        "import sys; from pathlib import Path; from tileops_spec.deliver.lint import lint_spec;"
        "from tileops_spec.diagnostics.diagnostic import Sink;"
        "lint_spec(Path('specs/gemm.yaml'), Sink());"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('tileops_spec')), sep='\\n')"
    )
    done = subprocess.run((sys.executable, "-c", program), cwd=root, capture_output=True, text=True, check=True)
    loaded = {Path(line).resolve() for line in done.stdout.split()}
    package = root / "tileops_spec"
    outside = {package / "__init__.py", package / "resources.py", package / "deliver" / "__init__.py"}
    assert loaded - outside <= set(lint_cache.sources())


@pytest.mark.parametrize("damage", ["empty", "half", "noise", "other json", "other shape", "folder"])
def test_a_damaged_cache_is_worth_nothing(specs: Path, passes: list[str], damage: str) -> None:
    expected = _lint(specs)
    path = _cache(specs)
    good = path.read_bytes()
    shape = json.dumps({str(specs / f"{name}.yaml"): [1, [], "x"] for name in SPECS}).encode()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "half":
            path.write_bytes(good[: len(good) // 2])
        case "noise":
            path.write_bytes(bytes(byte ^ 0x55 for byte in good))
        case "other json":
            path.write_bytes(b"%08x\n%s" % (crc32(b"[]"), b"[]"))
        case "other shape":
            path.write_bytes(b"%08x\n%s" % (crc32(shape), shape))
        case "folder":
            path.unlink()
            path.mkdir()
    passes.clear()
    assert _lint(specs) == expected
    assert set(passes) == {*SPECS, "gone"}


def test_a_cache_that_cannot_be_written_changes_nothing(specs: Path) -> None:
    (specs.parent / ".tospec").write_text("no folder", encoding="utf-8")
    assert _lint(specs) == _lint(specs, "--no-cache")


def test_specs_outside_of_projects_leave_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "clean.yaml"
    path.write_text(CLEAN, encoding="utf-8")
    outcome = CliRunner().invoke(tospec, ["lint", str(path)], standalone_mode=False)
    assert outcome.return_value == 0, outcome.output
    assert list(tmp_path.iterdir()) == [path]


def test_proofs_that_ran_out_of_time_are_tried_again(specs: Path) -> None:
    cache = lint_cache.LintCache(specs.parent / ".tospec")
    settled, unsettled = (Diagnostic(code=code, message="m", severity=Severity.WARNING) for code in ("TS121", "TS126"))
    cache.add("a.yaml", b"a", [settled])
    cache.add("b.yaml", b"b", [settled, unsettled])
    assert cache.find("b.yaml", b"b") is None
    cache.write()
    again = lint_cache.LintCache(specs.parent / ".tospec")
    assert again.find("a.yaml", b"a") == [settled]
    assert again.find("a.yaml", b"other") is None
    assert again.find("b.yaml", b"b") is None


def test_size_is_bounded(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_cache, "MOST_FILES", 3)
    cache = lint_cache.LintCache(specs.parent / ".tospec")
    for number in range(5):
        cache.add(f"{number}.yaml", b"", [])
    cache.write()
    cache = lint_cache.LintCache(specs.parent / ".tospec")
    assert [number for number in range(5) if cache.find(f"{number}.yaml", b"") == []] == [2, 3, 4]
    monkeypatch.setattr(lint_cache, "MOST_BYTES", 10_000)
    cache.add("big.yaml", b"", [Diagnostic(code="TS121", message="m" * 20_000)])
    cache.write()
    assert _cache(specs).stat().st_size < 10_000


def test_two_runs_at_once_lose_nothing(specs: Path) -> None:
    state = specs.parent / ".tospec"
    one, other = lint_cache.LintCache(state), lint_cache.LintCache(state)
    one.add("one.yaml", b"", [])
    other.add("other.yaml", b"", [])
    one.write()
    other.write()
    cache = lint_cache.LintCache(state)
    assert cache.find("one.yaml", b"") == cache.find("other.yaml", b"") == []


def test_killed_runs_leave_a_cache_that_can_be_read(specs: Path) -> None:
    """Runs that write all the time are killed at any moment; the next one still says what is so."""
    expected = _lint(specs, "--no-cache")
    command = (sys.executable, "-c", _WRITES_FOR_EVER.format(state=str(specs.parent / ".tospec")))
    for moment in (0, 0.002, 0.004, 0.008, 0.016, 0.032):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(moment)
            run.send_signal(signal.SIGKILL)
        cache = lint_cache.LintCache(specs.parent / ".tospec")
        assert cache.find("999.yaml", b"") == []
        assert _lint(specs) == expected


_WRITES_FOR_EVER = """\
from pathlib import Path
from tileops_spec.deliver.lint_cache import LintCache
cache = LintCache(Path({state!r}))
while True:
    for number in range(1000):
        cache.add(f"{{number}}.yaml", b"", [])
    cache.write()
    print("written", flush=True)
"""


def test_findings_round_trip() -> None:
    span = Span("a.yaml", 1, 2)
    found = Diagnostic(
        code="TS121",
        message="m `é`",
        span=span,
        help="h",
        labels=(Label(span=Span("a.yaml", 0, 9), text="t"),),
        detail="d\n",
        severity=Severity.WARNING,
        fix=Fix(title="f", edits=((span, ""), (Span("a.yaml", 5, 5), "x")), safe=True),
    )
    for each in (found, Diagnostic(code="TS901", message="m")):
        assert from_kept(json.loads(json.dumps(to_kept(each, "a.yaml"))), "a.yaml") == each
    with pytest.raises(ValueError, match=r"a place in a\.yaml"):
        to_kept(found, "b.yaml")


def test_a_cached_run_imports_nothing_that_it_does_not_need(specs: Path) -> None:
    command = (sys.executable, "-X", "importtime", "-m", "tileops_spec.cli", "lint", str(specs))
    shown = [subprocess.run(command, capture_output=True, text=True).stderr for _ in range(2)][1]
    modules = {line.rsplit("|", 1)[-1].strip() for line in shown.splitlines() if line.startswith("import time:")}
    assert "tileops_spec.deliver.lint_cache" in modules
    heavy = (
        "yaml",
        "ruamel",
        "lark",
        "pydantic",
        "z3",
        "tileops_spec.check",
        "tileops_spec.analysis",
        "tileops_spec.syntax",
    )
    assert not [each for each in modules if each.startswith(heavy)]
