"""Timing on a GPU: cold L2, fresh inputs, variants interleaved forward then reversed, CUDA events around each call."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_FASTEST_CLOCK_HZ = 2.5e9
_LONGEST_HOLD_SECONDS = 0.05
_FLUSH_PER_L2 = 2
_ATTEMPTS = 5


class NoDeviceError(RuntimeError):
    """There is no GPU to time on. Nothing else is timed in its place."""


class TimingError(RuntimeError):
    """A measurement cannot be right: the clock gave no positive, finite time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one variant, in milliseconds, in the order measured."""

    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    def percentile(self, percent: float) -> float:
        """The value below which `percent` of the times lie, interpolated."""
        ordered = sorted(self.milliseconds)
        place = (len(ordered) - 1) * percent / 100
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


class Stopwatch(Protocol):
    """How one call is timed."""

    def milliseconds(self, call: Callable[[], Any]) -> float:
        """The time that the work of `call` takes on the device, from a cold cache."""
        ...


def time_variants(
    variants: Mapping[str, Callable[..., Any]],
    inputs: Sequence[tuple[Any, ...]],
    *,
    rounds: int = 40,
    warmup: int = 5,
    stopwatch: Stopwatch | None = None,
) -> dict[str, Timing]:
    """The times of each variant over the same inputs, `rounds` of each after `warmup` that are not kept.

    Each variant is called once before anything is timed: that call may compile.

    `inputs` are several sets of arguments: each round takes the next one, so that nobody profits from having seen its
    inputs. Every variant sees every set equally often where `rounds` is a multiple of their number. Without a
    stopwatch CUDA events are used; NoDeviceError where there is no GPU. TimingError for a time that cannot be.
    """
    stopwatch = stopwatch or CudaStopwatch()
    for variant in variants.values():
        variant(*inputs[0])
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn, name in schedule(tuple(variants), warmup + rounds):
        arguments, variant = inputs[turn % len(inputs)], variants[name]
        elapsed = stopwatch.milliseconds(lambda variant=variant, arguments=arguments: variant(*arguments))
        if not (elapsed > 0 and math.isfinite(elapsed)):
            raise TimingError(f"{name} took {elapsed} ms in round {turn}")
        if turn >= warmup:
            times[name].append(elapsed)
    return {name: Timing(tuple(values)) for name, values in times.items()}


def schedule(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Who runs when, as (round, name): every other round backwards, so that drift in clocks and heat cancels."""
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else reversed(names):
            yield turn, name


class CudaStopwatch:
    """CUDA events on the current stream. The L2 is overwritten before each call, and the stream is held until the host
    has queued the whole call, so that launch overhead does not count as device time."""

    def __init__(self) -> None:
        import torch

        if not torch.cuda.is_available():
            raise NoDeviceError("benchmarks need a GPU, and torch sees none")
        self._cuda = torch.cuda
        size = torch.cuda.get_device_properties(torch.cuda.current_device()).L2_cache_size * _FLUSH_PER_L2
        self._flush = torch.empty(size, dtype=torch.uint8, device="cuda")
        self._start, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._host_seconds = 1e-4

    def milliseconds(self, call: Callable[[], Any]) -> float:
        """The call is made again, and held longer, where the host was slower than the hold. TimingError where it
        always is: such a call waits for the device itself."""
        for _ in range(_ATTEMPTS):
            hold_seconds = min(2 * self._host_seconds + 5e-5, _LONGEST_HOLD_SECONDS)
            elapsed, self._host_seconds = self._measure(call, hold_seconds)
            if self._host_seconds < hold_seconds:
                return elapsed
        raise TimingError(f"the host took {self._host_seconds * 1e3:.1f} ms to queue one call: it waits for the device")

    def _measure(self, call: Callable[[], Any], hold_seconds: float) -> tuple[float, float]:
        """Milliseconds on the device, seconds on the host."""
        self._cuda.synchronize()
        self._flush.zero_()
        self._cuda._sleep(int(hold_seconds * _FASTEST_CLOCK_HZ))
        self._start.record()
        before = time.perf_counter()
        call()
        host_seconds = time.perf_counter() - before
        self._end.record()
        self._cuda.synchronize()
        return self._start.elapsed_time(self._end), host_seconds
