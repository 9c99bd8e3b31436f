"""`tospec schema`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from tileops_spec.cli.main import tospec
from tileops_spec.deliver.json_schema import spec_file_schema


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tospec, ["schema", *arguments], standalone_mode=False)


def test_prints_the_schema_and_nothing_else() -> None:
    done = run()
    assert done.return_value == 0
    assert json.loads(done.stdout) == spec_file_schema()


def test_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / ".vscode" / "tospec.schema.json"
    done = run("--output", str(path))
    assert done.return_value == 0
    assert done.stdout == ""
    assert json.loads(path.read_text(encoding="utf-8")) == spec_file_schema()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run("--output", str(tmp_path / "file" / "schema.json"))
    assert "cannot write" in str(done.exception)
