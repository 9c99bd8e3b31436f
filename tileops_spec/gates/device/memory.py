"""Memory of the GPU: a case that finds none says nothing of the kernel, and what this process holds is given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..isolation import Completed, Outcome, Raised
from .inputs import Build

_SIGNS = ("out of memory", "cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY")


def says_no_memory(message: str) -> bool:
    """Whether an error's text is that of an allocation that failed."""
    return any(sign in message for sign in _SIGNS)


def lacked_memory(calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the calls of a case ended for want of memory."""
    return any(says_no_memory(call.get("error", "")) for call in calls)


def without_room(build: Build, outcome: Outcome) -> list[str]:
    """The labels of those runs of a build that were not made, or not all made, for want of memory."""
    if isinstance(outcome, Raised) and says_no_memory(outcome.message):
        return [run.label for run in build.runs]
    if isinstance(outcome, Completed):
        for number, calls in enumerate(outcome.value["runs"]):
            if lacked_memory(calls):
                return [run.label for run in build.runs[number:]]
    return []


def release_memory() -> None:
    """Give back what torch keeps of the GPU in this process: the candidate's process needs it next."""
    import torch

    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
