"""`tospec fmt`: what it writes, what it says, how it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tileops_spec.cli import main as entry
from tileops_spec.syntax.format import formatter

UNTIDY = "op:  probe  # why\r\nwhere: [ K%8==0 ]"
TIDY = "op: probe  # why\nwhere: [K % 8 == 0]\n"
BROKEN = "op: probe\nwhere: [K ==]\n"


def _fmt(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(entry.tospec, ["fmt", *map(str, arguments)], input=stdin, standalone_mode=False)


def _file(folder: Path, content: str, name: str = "probe.yaml") -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def test_files_are_formatted(tmp_path: Path) -> None:
    one, two = _file(tmp_path, UNTIDY), _file(tmp_path, TIDY, "two.yaml")
    outcome = _fmt(tmp_path)
    assert outcome.return_value == 0
    assert one.read_bytes() == two.read_bytes() == TIDY.encode()
    assert outcome.stderr.splitlines() == [f"formatted {one}", "1 spec changed, 1 formatted already"]
    assert outcome.stdout == ""


def test_what_is_formatted_is_not_touched(tmp_path: Path) -> None:
    path = _file(tmp_path, TIDY)
    os.utime(path, ns=(1, 1))
    before = path.stat()
    assert _fmt(path).return_value == 0
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mode_links_and_folder_are_left(mark: str, tmp_path: Path) -> None:
    path = _file(tmp_path, mark + UNTIDY)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    assert _fmt(link).return_value == 0
    assert path.read_bytes() == TIDY.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "probe.yaml"]


def test_check_names_and_writes_nothing(tmp_path: Path) -> None:
    path, tidy = _file(tmp_path, UNTIDY), _file(tmp_path, TIDY, "tidy.yaml")
    outcome = _fmt("--check", path, tidy)
    assert outcome.return_value == 1
    assert outcome.stdout == f"would change {path}\n"
    assert outcome.stderr == "1 spec would change, 1 formatted already\n"
    assert path.read_bytes() == UNTIDY.encode()
    assert _fmt("--check", tidy).return_value == 0


def test_diff(tmp_path: Path) -> None:
    path = _file(tmp_path, UNTIDY)
    outcome = _fmt("--diff", path)
    assert outcome.return_value == 1
    assert outcome.stdout.splitlines() == [
        f"--- {path}",
        f"+++ {path} (formatted)",
        "@@ -1,2 +1,2 @@",
        "-op:  probe  # why",
        "-where: [ K%8==0 ]",
        "\\ No newline at end of file",
        "+op: probe  # why",
        "+where: [K % 8 == 0]",
    ]
    assert path.read_bytes() == UNTIDY.encode()
    assert _fmt("--diff", _file(tmp_path, TIDY)).stdout == ""


@pytest.mark.parametrize("flag", [(), ("--check",), ("--diff",)])
def test_broken_files_are_left_and_others_formatted(flag: tuple[str, ...], tmp_path: Path) -> None:
    broken, other = _file(tmp_path, BROKEN, "a.yaml"), _file(tmp_path, TIDY if flag else UNTIDY)
    outcome = _fmt(*flag, broken, other)
    assert outcome.return_value == 1
    assert "error[TS101]" in outcome.stderr
    assert outcome.stdout == ""
    assert "1 left as they are" in outcome.stderr
    assert broken.read_bytes() == BROKEN.encode()
    assert other.read_bytes() == TIDY.encode()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"op: pr\xe9\n")
    outcome = _fmt(tmp_path / "gone.yaml", latin)
    assert outcome.return_value == 1
    assert outcome.stderr.count("error[TS001]") == 2


def test_a_result_of_another_meaning_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatter, "write_document", lambda source, body: "op: other\n")
    path = _file(tmp_path, UNTIDY)
    outcome = _fmt(path)
    assert outcome.return_value == 2
    assert "internal error" in outcome.stderr
    assert path.read_bytes() == UNTIDY.encode()


def test_a_write_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    path, other = _file(tmp_path, UNTIDY), _file(tmp_path, TIDY, "tidy.yaml")
    outcome = _fmt(path, other)
    assert outcome.return_value == 2
    assert "cannot write" in outcome.stderr
    assert path.read_bytes() == UNTIDY.encode()
    assert sorted(os.listdir(tmp_path)) == ["probe.yaml", "tidy.yaml"]


@pytest.mark.parametrize(
    ("flags", "text", "status", "stdout"),
    [
        ((), UNTIDY, 0, TIDY),
        ((), TIDY, 0, TIDY),
        ((), BROKEN, 1, ""),
        (("--check",), UNTIDY, 1, "would change specs/probe.yaml\n"),
        (("--check",), TIDY, 0, ""),
        (("--diff",), TIDY, 0, ""),
    ],
)
def test_standard_input(flags: tuple[str, ...], text: str, status: int, stdout: str) -> None:
    outcome = _fmt("-", "--stdin-filename", "specs/probe.yaml", *flags, stdin=text)
    assert (outcome.return_value, outcome.stdout) == (status, stdout)
    assert ("specs/probe.yaml:2:13" in outcome.stderr) == (text == BROKEN)


def test_standard_input_stands_alone(tmp_path: Path) -> None:
    outcome = _fmt("-", _file(tmp_path, UNTIDY), stdin=UNTIDY)
    assert "standard input" in str(outcome.exception)
