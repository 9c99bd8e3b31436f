"""Every pattern is complete, and its snippet lowers for its target and shows the instructions it claims."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2] / "patterns"
IDS = sorted(path.parent.name for path in ROOT.glob("*/pattern.yaml"))
KEYS = {"id", "title", "when", "needs", "proves", "example", "source", "advice"}
FEATURES = {
    *("mma", "wgmma", "tma", "pipeline", "online-softmax", "row-reduction", "vectorized", "dynamic-shape"),
    *("causal-skip", "chained-contraction", "broadcast-heads"),
}


def read_yaml(path: Path):
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def load_snippet(pattern_id: str):
    spec = importlib.util.spec_from_file_location(f"snippet_{pattern_id}", ROOT / pattern_id / "snippet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lower_to_cuda(prim_func) -> str:
    """The CUDA source for sm_90a, from the kernel's own signature on (the preamble is the same for all)."""
    tilelang = pytest.importorskip("tilelang")
    from tilelang import tvm

    target = tvm.target.Target({"kind": "cuda", "arch": "sm_90a"})
    with target:
        source = tilelang.engine.lower(prim_func, target=target).kernel_source
    return source[source.index('extern "C" __global__') :]


def test_the_first_patterns_are_there():
    assert {"elementwise", "tiled-gemm-wgmma", "row-reduction", "flash-attention"} <= set(IDS)


@pytest.mark.parametrize("pattern_id", IDS)
def test_pattern_is_complete(pattern_id):
    pattern = read_yaml(ROOT / pattern_id / "pattern.yaml")
    assert set(pattern) - {"unless"} == KEYS
    assert set(pattern.get("unless", ())) <= FEATURES
    assert pattern["id"] == pattern_id
    assert pattern["when"]
    assert set(pattern["when"]) <= FEATURES
    assert set(pattern["needs"]) == {"target", "tilelang"}
    assert pattern["proves"]
    assert len(pattern["advice"].splitlines()) >= 3


@pytest.mark.parametrize("pattern_id", IDS)
@pytest.mark.parametrize("form", ["kernel", "pipelined", "long_rows"])
def test_snippet_lowers_and_shows_what_it_claims(pattern_id, form):
    pytest.importorskip("tilelang")
    pattern = read_yaml(ROOT / pattern_id / "pattern.yaml")
    build = getattr(load_snippet(pattern_id), form, None)
    if build is None:
        pytest.skip(f"{pattern_id} has no {form}")
    source = lower_to_cuda(build(**pattern["example"]))
    # The other forms are there to be simple: only the fast one must show every instruction.
    tokens = pattern["proves"] if form == "kernel" else pattern["proves"][:1]
    assert [token for token in tokens if token not in source] == []


def test_antipatterns_are_numbered_and_have_evidence():
    rules = read_yaml(ROOT / "antipatterns.yaml")
    assert [rule["code"] for rule in rules] == [f"AP{n:02d}" for n in range(1, len(rules) + 1)]
    for rule in rules:
        assert set(rule) == {"code", "title", "text", "evidence"}
        assert all(str(value).strip() for value in rule.values())
