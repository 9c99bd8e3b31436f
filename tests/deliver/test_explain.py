"""The page and the data that `explain` gives: for every spec and target, quickly, in the keys that are documented."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tileops_spec.deliver.explain import explanation_lines
from tileops_spec.deliver.explanation import VERSION, explain_spec
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.hardware import FEATURES, TARGETS
from tileops_spec.hardware.device import device, device_keys

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specs").glob("*.yaml"))
MOST_SECONDS = 0.4
"""Processor time of one spec in a process that has begun, lint and page together."""


def explained(path: Path, **options):
    sink = Sink()
    spec = lint_spec(path, sink)
    assert spec is not None, [found.message for found in sink.diagnostics]
    data = explain_spec(spec, **options)
    return data, "\n".join(explanation_lines(spec, data))


def test_every_spec_on_every_target() -> None:
    slowest = (0.0, "")
    for path in FILES:
        started = time.process_time()
        data, page = explained(path)
        slowest = max(slowest, (time.process_time() - started, path.stem))
        assert [each["name"] for each in data["targets"]] == list(TARGETS)
        assert json.loads(json.dumps(data, allow_nan=False)) == data
        assert set(_keys(data)) <= DOCUMENTED
        assert page.startswith(f"{path.stem}: ")
        assert all(workload["name"] in page for workload in data["workloads"])
        for target in data["targets"]:
            assert [feature["name"] for feature in target["features"]] == list(FEATURES)
            assert all(feature["reason"] and feature["meaning"] for feature in target["features"])
    assert slowest[0] < MOST_SECONDS, slowest


def test_every_target_by_itself() -> None:
    for path in FILES[::6]:
        for target in TARGETS:
            data, page = explained(path, targets=(target,))
            assert [each["name"] for each in data["targets"]] == [data["target"]] == [target]
            assert f"features on {target} (" in page
            assert "features by target" not in page


# the documented keys

PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([\w.\[\]<>-]+)` \|", re.M)
DOCUMENTED = set(_ROW.findall(PAGE.partition("## JSON")[2]))
_BY_NAME = ("signature.dtypes", "signature.dims", "workloads[].values")
"""Tables whose keys are names of the spec's."""


_KINDS = {"<axis>": {"name", "extent"}, "<operand>": {"reads", "major"}}
"""Tables that stand in several places, by keys that they alone have."""


def _keys(value: object, place: str = "") -> list[str]:
    """The places of all keys, such as `targets[].features[].name`."""
    if isinstance(value, list):
        return [key for each in value for key in _keys(each, f"{place}[]")]
    if not isinstance(value, dict):
        return []
    place = next((kind for kind, mark in _KINDS.items() if mark <= set(value)), place)
    found = []
    for name, inner in value.items():
        key = f"{place}.{name}" if place else name
        found += [key, *(() if key in _BY_NAME else _keys(inner, key))]
    return found


def test_every_documented_key_is_there() -> None:
    seen = {key for path in FILES for key in _keys(explained(path)[0])}
    assert seen == DOCUMENTED
    assert f"version {VERSION}" in PAGE


def test_features_and_devices_are_documented() -> None:
    assert set(_ROW.findall(PAGE.partition("## JSON")[0])) == set(FEATURES)
    for target in TARGETS.values():
        assert f"| {target.name} | **{target.gpu}** (`{target.device_key}`" in PAGE
    assert all(f"(`{key}`" in PAGE for key in device_keys())


def test_the_documented_page_is_what_is_printed() -> None:
    """Lines of the examples, but for `…`, stand in the page of their spec in this order."""
    examples = re.findall(r"```\n\$ tospec explain specs/(\w+)\.yaml\n(.*?)```", PAGE, re.S)
    assert len(examples) >= 2
    for name, text in examples:
        printed = iter(explained(ROOT / "specs" / f"{name}.yaml")[1].splitlines())
        for line in (line for line in text.splitlines() if line not in ("…", "")):
            assert line in printed, (name, line)


# structure


def test_the_structure_of_attention() -> None:
    data, page = explained(ROOT / "specs" / "gqa_fwd.yaml")
    first, second = data["structure"]["contractions"]
    assert [axis["name"] for axis in first["batch"]] == ["b", "h"]
    assert (first["m"], first["n"], first["k"]) == (
        [{"name": "i", "extent": "Sq"}],
        [{"name": "j", "extent": "Sk"}],
        [{"name": "d", "extent": "D"}],
    )
    assert (first["left"]["major"], first["right"]["major"], second["right"]["major"]) == ("K", "K", "N")
    assert second["left"] == {"reads": "p", "dtype": "T", "tensor": None, "major": None, "innermost": None}
    (chain,) = data["structure"]["chains"]
    assert chain == {"first": "s", "between": ["p"], "second": "O", "online_softmax": True}
    assert "chain: s → p → O, an online softmax between two products" in page


def _structure(write_spec, text: str):
    return explained(write_spec(f"op: probe\nsummary: A probe.\n{text}"))[0]["structure"]


def test_what_moves_along_axes_and_by_data(write_spec) -> None:
    found = _structure(
        write_spec,
        """
inputs: {x: "f32[M, N]", page: "i32[M]"}
outputs: {y: "f32[M, N]", z: "f32[M, N]", c: "f32[M, N]"}
where: ["all[m](0 <= page[m] and page[m] < M)"]
math: |
  c[m, n] = cumsum[n](x[page[m], n])
  y[-1, n] = 0
  y[m, n] = 0.5 * y[m - 1, n] + x[m, n]
  z[page[m], n] += x[m, n]
""",
    )
    assert [(each["target"], each["function"], each["axis"]) for each in found["scans"]] == [
        ("y", "recurrence", "m"),
        ("c", "cumsum", "n"),
    ]
    assert found["gathers"] == [{"target": "c", "tensor": "x", "position": 0, "index": "page[m]"}]
    assert found["scatters"] == [{"target": "z", "adds": True, "indices": ["page[m]", "n"], "by_data": [0]}]


def test_a_spec_without_mathematics(write_spec) -> None:
    path = write_spec(
        "op: probe\nsummary: A probe.\ninputs: {x: 'f32[M, N]'}\noutputs: {y: 'f32[M]'}\n"
        "reference: {torch: 'x.exp().sum(1)'}\nworkloads:\n  - {name: a, M: 8, N: 64}\n"
    )
    data, page = explained(path)
    assert (data["class"], data["math"]) == (["unknown"], [])
    assert data["cost"]["flops"].startswith("unknown")
    assert "none: only what the signature says can be derived" in page


def test_floors_by_device() -> None:
    chosen = [device("h100"), device("b200")]
    data, page = explained(ROOT / "specs" / "gemm.yaml", devices=chosen)
    assert [each["key"] for each in data["devices"]] == ["h100", "b200"]
    square = next(each for each in data["workloads"] if each["name"] == "square-8192")
    seconds = {each["device"]: each["seconds"] for each in square["floors"]}
    assert seconds["h100"] == pytest.approx(2 * 8192**3 / 989.4e12)
    assert seconds["b200"] == pytest.approx(2 * 8192**3 / 2250e12)
    assert "1111 µs compute" in page
    by_default = explained(ROOT / "specs" / "gemm.yaml")[0]["devices"]
    assert [each["key"] for each in by_default] == ["h200", "h100", "h100_pcie"]
