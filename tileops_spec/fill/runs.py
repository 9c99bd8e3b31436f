"""Every exchange with a provider, kept under `.tospec/runs/<op>/<time>-<id>/`; secrets are taken out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .redact import redact
from .verdicts import VerdictLike, verdict_json


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `fill`; `folder` holds `attempt-1/`, `attempt-2/`, … and `run.json`."""

    folder: Path

    def attempt(self, number: int) -> Path:
        """The folder of an attempt (from 1), made where it is not there yet."""
        place = self.folder / f"attempt-{number}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def keep_prompt(self, number: int, prompt: str) -> None:
        self._write(number, "prompt.md", prompt)

    def keep_answer(self, number: int, text: str) -> None:
        self._write(number, "answer.md", text)

    def keep_verdicts(self, number: int, verdicts: Sequence[VerdictLike]) -> None:
        self._write(number, "verdicts.json", _json([verdict_json(each) for each in verdicts]))

    def keep_outcome(self, outcome: dict[str, Any]) -> None:
        (self.folder / "run.json").write_text(redact(_json(outcome)), encoding="utf-8")

    def _write(self, number: int, name: str, text: str) -> None:
        (self.attempt(number) / name).write_text(redact(text), encoding="utf-8")


def start_run(root: Path, op: str) -> Run:
    """A fresh run under `root` (`.tospec/runs`), named by UTC time and a random id."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    folder = root / op / f"{stamp}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    return Run(folder)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
