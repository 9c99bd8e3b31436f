"""What every provider does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ProviderError(Exception):
    """The provider gave no answer; the message says why and holds no secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. Tokens are None where the provider does not say; `seconds` is wall-clock time."""

    text: str
    model: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0


class Provider(Protocol):
    """`name` is the kind (`handoff`, `command`, …), `model` what is asked, as far as it is known beforehand."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    def complete(self, prompt: str, *, attempt: int, run_dir: Path) -> Reply:
        """The answer to `prompt`; `attempt` counts from 1, `run_dir` is the attempt's own folder. Raises
        ProviderError."""
        ...
