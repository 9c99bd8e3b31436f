"""The request in a folder, the answer in a file: a person or an agent fills the body.

The provider writes `<folder>/<op>-<n>/prompt.md` and then `request.json`; whoever answers writes `answer-meta.json`
(optional: model, tokens_in, tokens_out) and then `answer.md` or `answer.json` into the same folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from .base import ProviderError, Reply

_ANSWERS = ("answer.md", "answer.json")


def _silent(_: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffProvider:
    """`timeout` and `poll` are seconds; `model` is used where answer-meta.json does not name one; `talk` gets one line
    that says what is waited for."""

    folder: Path
    op: str
    timeout: float = 3600.0
    poll: float = 0.5
    model: str = "unknown"
    talk: Callable[[str], None] = _silent
    name: str = field(default="handoff", init=False)

    def complete(self, prompt: str, *, attempt: int, run_dir: Path) -> Reply:
        started = time.monotonic()
        place = self._claim()
        self._write_request(place, prompt, attempt, run_dir)
        self.talk(f"waiting for {place / 'answer.md'} ({self.timeout:g} s): the request is {place / 'prompt.md'}")
        text = self._await_answer(place, started + self.timeout)
        meta = _read_meta(place / "answer-meta.json")
        return Reply(
            text=text,
            model=meta.get("model") or self.model,
            tokens_in=meta.get("tokens_in"),
            tokens_out=meta.get("tokens_out"),
            seconds=time.monotonic() - started,
        )

    def _claim(self) -> Path:
        """A folder of our own: the first free number. Making it is the claim, so that two runs never share one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            place = self.folder / f"{self.op}-{number}"
            try:
                place.mkdir()
            except FileExistsError:
                continue
            return place
        raise AssertionError("unreachable")

    def _write_request(self, place: Path, prompt: str, attempt: int, run_dir: Path) -> None:
        """The prompt first: request.json tells a watcher that the request is whole."""
        request = {
            "op": self.op,
            "attempt": attempt,
            "prompt": "prompt.md",
            "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
            "answer": list(_ANSWERS),
            "answer_meta": "answer-meta.json",
            "run": str(run_dir),
        }
        _write_whole(place / "prompt.md", prompt)
        _write_whole(place / "request.json", json.dumps(request, indent=2) + "\n")

    def _await_answer(self, place: Path, deadline: float) -> str:
        """The answer's text, once a file has stayed the same over two looks: it may be written in pieces."""
        seen: dict[Path, tuple[int, ...]] = {}
        while time.monotonic() < deadline:
            for path in (place / name for name in _ANSWERS):
                state = _state(path)
                if state is not None and seen.get(path) == state:
                    return _read_answer(path)
                if state is not None:
                    seen[path] = state
            time.sleep(min(self.poll, max(0.0, deadline - time.monotonic())))
        raise ProviderError(f"no answer in {place} after {self.timeout:g} s: expected {' or '.join(_ANSWERS)}")


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None


def _read_answer(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProviderError(f"{path} cannot be read: {error}") from error


def _read_meta(path: Path) -> dict[str, Any]:
    """model, tokens_in, tokens_out, as far as the file gives them in the right type; it is optional."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    kinds = {"model": str, "tokens_in": int, "tokens_out": int}
    return {key: data[key] for key, kind in kinds.items() if isinstance(data, dict) and isinstance(data.get(key), kind)}


def _write_whole(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)
