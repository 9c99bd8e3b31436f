"""GPUs: limits and peaks from the files under `devices/`, each figure with its source."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..ir.dtypes import DTYPES

FOLDER = Path(__file__).resolve().parent / "devices"


class DeviceError(ValueError):
    """A device file is missing something or says something wrong; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and where it comes from."""

    value: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One GPU. Sizes are in bytes, rates in byte/s and FLOP/s (multiplications and additions count one each).

    `limits` has the keys of LIMITS, and may have those of OPTIONAL. `peaks` are dense rates by the dtype that is
    multiplied: on tensor cores but for f32 (without them; `tf32` is its rounded form), accumulated in f32, f64 or i32;
    `f16 in f16` is the rate with another accumulator, where it differs. `measured` and `measured_peaks` are what
    programs have reached, under the same keys. `names` are those that drivers report.
    """

    key: str
    name: str
    title: str
    targets: tuple[str, ...]
    names: tuple[str, ...]
    limits: Mapping[str, Figure]
    peaks: Mapping[str, Figure]
    measured: Mapping[str, Figure] = field(default_factory=dict)
    measured_peaks: Mapping[str, Figure] = field(default_factory=dict)

    def limit(self, name: str) -> int:
        return int(self.limits[name].value)

    @property
    def bandwidth(self) -> float:
        """Byte/s of device memory."""
        return self.limits["bandwidth"].value

    def peak(self, dtype: str, accumulator: str = "") -> float:
        """FLOP/s on operands of a dtype; with no unit for it, that of the dtype which holds its values, else of f32."""
        names = (f"{dtype} in {accumulator}", dtype, _HELD_IN.get(dtype, "f32"), "f32")
        return next(self.peaks[name].value for name in names if name in self.peaks)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Every figure by its full name, such as `peaks.f16`."""
        for section in _SECTIONS:
            yield from ((f"{section}.{key}", figure) for key, figure in getattr(self, section).items())


LIMITS = (
    *("processors", "shared_memory", "shared_memory_per_processor", "registers", "registers_per_thread"),
    *("threads_per_block", "memory", "bandwidth"),
)
"""What every device file gives: SMs; the most dynamic shared memory of a block, and that of an SM; registers of an SM
and of a thread; threads of a block; bytes and byte/s of device memory."""
OPTIONAL = ("l2",)
_SECTIONS = ("limits", "peaks", "measured", "measured_peaks")
_PEAKS = frozenset({*DTYPES, "tf32"})
_HELD_IN = {"e4m3": "f16", "e5m2": "f16"}
"""Dtypes whose values another one holds exactly, so that kernels may convert them first."""


@lru_cache(maxsize=1)
def device_keys() -> tuple[str, ...]:
    """The names of the device files, such as `h200`."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def device(key: str) -> Device:
    """The device by the name of its file. KeyError where there is none."""
    if key not in device_keys():
        raise KeyError(f"there is no device {key}; there are {', '.join(device_keys())}")
    return load_device(FOLDER / f"{key}.toml")


def devices_of(target: str) -> tuple[Device, ...]:
    """The devices that a target's kernels run on."""
    return tuple(found for found in map(device, device_keys()) if target in found.targets)


def device_named(name: str) -> Device | None:
    """The device by the name that its driver reports, None where it is not known."""
    return next((found for found in map(device, device_keys()) if name in found.names), None)


def load_device(path: Path) -> Device:
    """The device that a file describes. DeviceError with everything that is wrong with it."""
    data = _read(path)
    faults = list(_faults(data))
    if faults:
        raise DeviceError(f"{path.name}: {'; '.join(faults)}")
    sources = data["sources"]
    sections = {
        section: {
            key: Figure(float(entry["value"]), sources[entry["source"]]) for key, entry in data.get(section, {}).items()
        }
        for section in _SECTIONS
    }
    words = {key: tuple(data[key]) for key in ("targets", "names")}
    return Device(key=path.stem, name=data["name"], title=data["title"], **words, **sections)


def _read(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeviceError(f"{path.name}: {error}") from error


# validation


def _faults(data: Mapping[str, Any]) -> Iterator[str]:
    known = {"name", "title", "targets", "names", "sources", *_SECTIONS}
    yield from (f"{key}: there is no such key" for key in data if key not in known)
    for key in ("name", "title"):
        if not isinstance(data.get(key), str) or not data[key]:
            yield f"{key}: a text is missing"
    for key in ("targets", "names"):
        if not _is_words(data.get(key)):
            yield f"{key}: a list of texts is missing"
    sources = data.get("sources")
    if not isinstance(sources, dict) or not _is_words(list(sources.values())):
        yield "sources: a table of texts is missing"
        return
    for section in _SECTIONS:
        yield from _section_faults(section, data.get(section, {}), sources)
    yield from (f"limits.{key}: is missing" for key in LIMITS if key not in (data.get("limits") or {}))
    if "f32" not in (data.get("peaks") or {}):
        yield "peaks.f32: is missing"
    used = {entry.get("source") for section in _SECTIONS for entry in _tables(data.get(section))}
    yield from (f"sources.{key}: no figure names it" for key in sources if key not in used)


def _tables(section: object) -> Iterator[dict]:
    entries = section.values() if isinstance(section, dict) else ()
    return (entry for entry in entries if isinstance(entry, dict))


def _is_words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) and each for each in value)


def _section_faults(section: str, entries: object, sources: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(entries, dict):
        yield f"{section}: is no table"
        return
    for key, entry in entries.items():
        place = f"{section}.{key}"
        if not _is_known(section, key):
            yield f"{place}: there is no such figure"
        if not isinstance(entry, dict) or set(entry) != {"value", "source"}:
            yield f"{place}: is written {{ value = …, source = … }}"
            continue
        value = entry["value"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
            yield f"{place}: {value!r} is no positive number"
        if entry["source"] not in sources:
            yield f"{place}: `sources` has no {entry['source']!r}"


def _is_known(section: str, key: str) -> bool:
    if section in ("limits", "measured"):
        return key in (*LIMITS, *OPTIONAL)
    return all(part in _PEAKS for part in key.split(" in ")) and key.count(" in ") <= 1
