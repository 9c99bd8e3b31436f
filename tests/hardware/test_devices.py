"""Device files: complete, each figure with a source, and refused with everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tileops_spec.analysis.classify import classify
from tileops_spec.analysis.cost import CostValue
from tileops_spec.hardware import TARGETS
from tileops_spec.hardware.device import (
    FOLDER,
    LIMITS,
    DeviceError,
    device,
    device_keys,
    device_named,
    devices_of,
    load_device,
)
from tileops_spec.hardware.floor import floor_of, rate_of

every_device = pytest.mark.parametrize("key", device_keys())


def test_the_devices_that_there_are() -> None:
    assert {"a100", "rtx4090", "h100", "h200", "b200"} <= set(device_keys())
    assert {target.name: target.gpu for target in TARGETS.values()} == {
        "sm_80": "A100",
        "sm_89": "RTX 4090",
        "sm_90a": "H200",
        "sm_100": "B200",
    }
    assert {each.key for each in devices_of("sm_90a")} >= {"h100", "h200"}
    assert all(name in device(target.device_key).targets for name, target in TARGETS.items())


@every_device
def test_every_figure_has_a_source(key: str) -> None:
    found = device(key)
    figures = dict(found.figures())
    assert {f"limits.{name}" for name in LIMITS} <= set(figures)
    assert all(len(figure.source) > 10 for figure in figures.values())
    assert all(figure.source.startswith("measured") for name, figure in figures.items() if name.startswith("measured"))
    assert set(found.targets) <= set(TARGETS)


@every_device
def test_figures_are_dense_and_plausible(key: str) -> None:
    found = device(key)
    assert found.peak("f16") == found.peak("bf16") <= found.peak("i8") <= 4 * found.peak("f16")
    assert found.peak("f64") <= found.peak("f32") < found.peak("f16")
    assert found.limit("shared_memory") <= found.limit("shared_memory_per_processor") <= 233472
    assert 1e11 < found.bandwidth < 1e13


@every_device
def test_nothing_was_measured_above_its_peak(key: str) -> None:
    found = device(key)
    assert all(figure.value <= found.limits[name].value for name, figure in found.measured.items())
    assert all(figure.value <= found.peak(name) for name, figure in found.measured_peaks.items())


def test_drivers_names() -> None:
    assert device_named("NVIDIA GeForce RTX 4090").key == "rtx4090"
    assert device_named("NVIDIA GeForce RTX 4090 Laptop GPU") is None
    names = [name for key in device_keys() for name in device(key).names]
    assert len(names) == len(set(names))


def test_peaks_by_accumulator_and_by_what_holds_a_dtype() -> None:
    ada, ampere = device("rtx4090"), device("a100")
    assert (ada.peak("f16", "f32"), ada.peak("f16", "f16")) == (165.2e12, 330.3e12)
    assert ampere.peak("f16", "f16") == ampere.peak("f16", "f32")
    assert ampere.peak("e4m3") == ampere.peak("f16")
    assert ampere.peak("i64") == ampere.peak("f32")


def test_there_is_no_such_device() -> None:
    with pytest.raises(KeyError, match="there is no device gtx1080; there are a100"):
        device("gtx1080")


GOOD = (FOLDER / "a100.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "A100"\n', "", "name: a text is missing"),
        ('targets = ["sm_80"]', "targets = []", "targets: a list of texts is missing"),
        ("[limits]", "[limit]", "limit: there is no such key; limits.processors: is missing"),
        ("processors = { value = 108", "processors = { value = -108", "limits.processors: -108 is no positive number"),
        ("processors = { value = 108", "processors = { value = true", "limits.processors: True is no positive number"),
        ("bandwidth = { value", "bandwith = { value", "limits.bandwith: there is no such figure"),
        ('f16 = { value = 312e12, source = "whitepaper" }', "f16 = 312e12", "peaks.f16: is written { value"),
        (
            'f16 = { value = 312e12, source = "whitepaper"',
            'f16 = { value = 312e12, source = "hearsay"',
            "has no 'hearsay'",
        ),
        ("f16 = {", "f17 = {", "peaks.f17: there is no such figure"),
        ("f32 = {", '"f32 in f17" = {', "peaks.f32: is missing"),
        ("[sources]\n", '[sources]\nrumour = "heard"\n', "sources.rumour: no figure names it"),
        ("[sources]", "[sources", "a100.toml: "),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    path = tmp_path / "a100.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeviceError) as caught:
        load_device(path)
    assert fault in str(caught.value)
    assert str(caught.value).startswith("a100.toml: ")


# floors

PRODUCT = """dtypes: {T: f16 | e4m3}
inputs: {A: "T[M, K]", B: "T[N, K]"}
outputs: {C: "f32[M, N]"}
math: |
  C[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]))
"""


def test_floors(project_spec) -> None:
    spec = project_spec("gemm")
    rate = rate_of(spec, classify(spec), device("h200"))
    assert (rate.dtype, rate.on_tensor_cores, rate.flops) == ("f16", True, 989.4e12)
    assert floor_of(CostValue(989_400_000_000, 1), rate, device("h200")).bound == "compute"
    moving = floor_of(CostValue(1, 3_350_000), rate, device("h100"))
    assert (moving.bound, moving.seconds) == ("memory", pytest.approx(1e-6))


def test_rates_without_contractions_and_of_f32(project_spec, spec_of) -> None:
    norm = project_spec("rms_norm")
    assert not rate_of(norm, classify(norm), device("h200")).on_tensor_cores
    exact = spec_of(PRODUCT.replace("dtypes: {T: f16 | e4m3}\n", "").replace('"T[', '"f32['))
    assert rate_of(exact, classify(exact), device("a100")).flops == 19.5e12


def test_rates_follow_the_choice_of_dtypes_and_the_accumulator(spec_of) -> None:
    spec = spec_of(PRODUCT)
    ada = device("rtx4090")
    assert rate_of(spec, classify(spec), ada).flops == 165.2e12
    assert rate_of(spec, classify(spec), ada, {"T": "e4m3"}).flops == 330.3e12
    half = spec_of(PRODUCT.replace("f16 | e4m3", "f16").replace("f32(A[m, k]) * f32(B[n, k])", "A[m, k] * B[n, k]"))
    assert rate_of(half, classify(half), ada).flops == 330.3e12
