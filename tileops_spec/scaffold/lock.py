"""tospec.lock: which body each op has, where it came from, and what proved it."""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from .errors import ScaffoldError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCK_FILE = "tospec.lock"
_HEADER = """\
# Written by tospec; not meant to be edited. For each op: the contract its body was written for, the body, where it
# came from, the files as they were generated, and the gates that the body passed. Hashes are sha256.

"""
_PLACE = re.compile(r"at line (\d+), column (\d+)")


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class GateRecord(_Record):
    """One gate's verdict on the body. `tools` are versions by name; `device` is None where none was needed.

    `tolerance` is the spec's override of the derived bound under which the verdict was reached, and its reason.
    """

    gate: str
    verdict: Literal["passed", "failed", "skipped", "unsupported"]
    seconds: float
    date: datetime.date
    device: str | None = None
    tolerance: str | None = None
    tools: dict[str, str] = {}


class Entry(_Record):
    """What is known of one op.

    `contract`, `body`, `templates` and `prompt` are hashes; `files` has the hash of each generated file's text outside
    the body (drift.outside_hash). `attempts`, tokens and cost are what the provider needed for this body.
    """

    contract: str
    body: str
    templates: str
    prompt: str | None = None
    provider: str
    model: str | None = None
    attempts: int = 1
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    files: dict[str, str] = {}
    gates: tuple[GateRecord, ...] = ()


class Lock(_Record):
    version: Literal[1] = 1
    ops: dict[str, Entry] = {}

    def with_entries(self, entries: dict[str, Entry | None]) -> Lock:
        """The lock with these entries in place of the ops' former ones; None removes an op."""
        merged = {**self.ops, **entries}
        return Lock(ops={op: entry for op, entry in merged.items() if entry is not None})


class LockError(ScaffoldError):
    """The lock file cannot be used (TS304)."""


def read_lock(root: Path) -> Lock:
    """The lock of a tree, an empty one where there is no file; LockError (TS304) where it is damaged."""
    path = root / LOCK_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(_damaged(f"cannot be read: {error}", Span(str(path), 0, 0))) from error
    return parse_lock(text, str(path))


def parse_lock(text: str, path: str = LOCK_FILE) -> Lock:
    """The lock in a TOML text; LockError (TS304) points at what is wrong."""
    source = SourceText(path, text)
    try:
        return Lock.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LockError(_damaged(f"is not TOML: {error}", _toml_span(error, source)), source=source) from error
    except ValidationError as error:
        faults = (_damaged(_fault(each), _key_span(each["loc"], source)) for each in error.errors())
        raise LockError(*faults, source=source) from error


def render_lock(lock: Lock) -> str:
    """The TOML text: ops by name, keys as declared, the same bytes for the same lock."""
    data = lock.model_dump(exclude_none=True)
    data["ops"] = {op: _sorted_tables(entry) for op, entry in sorted(data["ops"].items())}
    return _HEADER + tomli_w.dumps(data)


def _sorted_tables(entry: dict[str, Any]) -> dict[str, Any]:
    gates = [{**gate, "seconds": round(gate["seconds"], 3), "tools": _sorted(gate["tools"])} for gate in entry["gates"]]
    return {**entry, "files": _sorted(entry["files"]), "gates": gates}


def _sorted(table: dict[str, str]) -> dict[str, str]:
    return dict(sorted(table.items()))


def _damaged(reason: str, span: Span) -> Diagnostic:
    help_text = (
        f"take {LOCK_FILE} from version control, or delete it and run `tospec build`, which proves every body anew"
    )
    return Diagnostic(code="TS304", message=f"{LOCK_FILE} {reason}", span=span, help=help_text)


def _toml_span(error: Exception, source: SourceText) -> Span:
    found = _PLACE.search(str(error))
    if found is None:
        return source.span(len(source.text), len(source.text))
    line = min(int(found[1]), len(source.line_starts))
    start = min(source.line_starts[line - 1] + int(found[2]) - 1, len(source.text))
    return source.span(start, min(start + 1, len(source.text)))


def _fault(error: Any) -> str:
    """`ops.gemm.body: Field required`, with pydantic's words for what is wrong."""
    return f"has a wrong entry: {'.'.join(map(str, error['loc']))}: {error['msg']}"


def _key_span(location: tuple, source: SourceText) -> Span:
    """The line that sets the key, or the table that should have it."""
    names = [part for part in location if isinstance(part, str)]
    table = re.search(rf"^\[+ops\.\"?{re.escape(names[1])}\"?[\].].*$", source.text, re.M) if len(names) > 1 else None
    start = table.start() if table else 0
    key = re.compile(rf"^{re.escape(names[-1])} *=.*$", re.M).search(source.text, start) if names else None
    found = key or table
    return source.span(found.start(), found.end()) if found else source.span(0, 0)
