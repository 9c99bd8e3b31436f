"""The protocol of timing, on a clock of our own; on a GPU where there is one."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.bench.timing import CudaStopwatch, NoDeviceError, Timing, TimingError, schedule, time_variants

HAS_GPU = torch.cuda.is_available()


class CountingClock:
    """Each call takes one millisecond more than the last."""

    def __init__(self) -> None:
        self.now = 0.0

    def milliseconds(self, call):
        call()
        self.now += 1
        return self.now


def test_schedule_goes_forward_then_back():
    assert list(schedule("abc", 2)) == [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"), (1, "a")]


def test_drift_cancels():
    """On a clock that only ever slows down, the variants still come out equal."""
    timings = time_variants(
        {name: lambda x: None for name in "ab"}, [(0,)], rounds=20, warmup=4, stopwatch=CountingClock()
    )
    assert timings["a"].median == timings["b"].median
    assert [len(timing.milliseconds) for timing in timings.values()] == [20, 20]


def test_every_variant_sees_every_input_equally_often():
    seen = {"a": [], "b": []}
    variants = {name: (lambda x, name=name: seen[name].append(x)) for name in seen}
    time_variants(variants, [(0,), (1,), (2,)], rounds=9, warmup=3, stopwatch=CountingClock())
    for inputs in seen.values():
        timed = inputs[1:]  # the first call is there to compile
        assert [timed.count(each) for each in range(3)] == [4, 4, 4]


@pytest.mark.parametrize("time", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_times_are_errors(time):
    class Broken:
        def milliseconds(self, call):
            return time

    with pytest.raises(TimingError, match="candidate took"):
        time_variants({"candidate": lambda: None}, [()], stopwatch=Broken())


def test_percentiles():
    timing = Timing((4.0, 1.0, 3.0, 2.0, 5.0))
    assert timing.median == 3.0
    assert timing.percentile(0) == 1.0
    assert timing.percentile(25) == 2.0
    assert timing.percentile(90) == pytest.approx(4.6)
    assert timing.percentile(100) == 5.0
    assert Timing((7.0,)).percentile(10) == 7.0


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
def test_no_gpu_is_an_error_not_a_cpu_timing():
    with pytest.raises(NoDeviceError):
        CudaStopwatch()
    with pytest.raises(NoDeviceError):
        time_variants({"candidate": lambda: None}, [()])


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU")
def test_copies_take_time_in_proportion():
    small, large = (torch.empty(size, device="cuda", dtype=torch.uint8) for size in (2**28, 2**30))
    timings = time_variants({"small": lambda: small.clone(), "large": lambda: large.clone()}, [()], rounds=20)
    assert timings["large"].median / timings["small"].median == pytest.approx(4, rel=0.3)


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU")
def test_a_call_that_waits_for_the_device_is_an_error():
    large = torch.empty(2**30, device="cuda", dtype=torch.uint8)

    def waits():
        for _ in range(200):
            large.clone()
        torch.cuda.synchronize()

    with pytest.raises(TimingError, match="waits for the device"):
        CudaStopwatch().milliseconds(waits)
