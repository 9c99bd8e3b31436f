"""The prompt: the same bytes every time, in the order that caching wants, of a bearable size."""

from __future__ import annotations

import difflib
import os
import runpy
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tileops_spec.check.load import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.fill.answer import parse_answer
from tileops_spec.fill.facts import TargetFacts, workload_facts
from tileops_spec.fill.prompt import Prompt, build_prompt
from tileops_spec.knowledge.antipatterns import AntiPattern
from tileops_spec.knowledge.patterns import Pattern
from tileops_spec.knowledge.reference import load_reference

GOLDEN = Path(__file__).parent / "golden"
SPECS = Path(__file__).parent / "specs"
"""Copies, so that work on the real specs leaves the golden files alone."""
TARGET = TargetFacts(
    name="sm_90a", peak=989e12, bandwidth=4.8e12, lines=("132 SMs", "232448 bytes of shared memory a block")
)


@dataclass(frozen=True)
class Feature:
    name: str
    present: bool
    reason: str


FEATURES = (
    Feature("wgmma", True, "16-bit operands of a contraction"),
    Feature("causal-skip", False, "no mask in the mathematics"),
)
PATTERN = Pattern(
    id="p", title="A pattern", when=("wgmma",), advice="Use it\nwell.\n", code="def kernel():\n    pass\n"
)
ANTIPATTERN = AntiPattern(code="AP00", title="A trap", text="Do not fall into it.")


def prompt_for(name: str, **changes) -> Prompt:
    path = SPECS / f"{name}.yaml"
    sink = Sink()
    spec = load_spec(path, sink)
    assert spec is not None, sink.diagnostics
    given = {
        "spec_text": path.read_text(encoding="utf-8"),
        "features": FEATURES,
        "patterns": (PATTERN,),
        "antipatterns": (ANTIPATTERN,),
        "target": TARGET,
        "workloads": [workload_facts(each, flops=2e12, size=1e9, target=TARGET) for each in spec.workloads],
        "hole": "def kernel():\n    # <your body here>\n",
    }
    return build_prompt(spec, **{**given, **changes})


@pytest.mark.parametrize("name", ["gemm", "rms_norm", "gqa_fwd"])
def test_golden(name):
    """UPDATE_GOLDEN=1 writes the files anew; the reference page stands in them as one line."""
    path = GOLDEN / f"{name}.md"
    text = prompt_for(name).text.replace(load_reference(), "<reference>\n")
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "now", lineterm="")
    assert text == expected, "\n".join(difference)


def test_the_prefix_is_the_same_for_every_op():
    prompts = [prompt_for(name) for name in ("gemm", "rms_norm", "gqa_fwd")]
    assert len({prompt.prefix for prompt in prompts}) == 1
    assert len({prompt.task for prompt in prompts}) == 3
    assert load_reference() in prompts[0].prefix


def test_a_new_process_builds_the_same_bytes(root, tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r})\n"
        f"from tests.fill.test_prompt import prompt_for\n"
        f"print(prompt_for('gqa_fwd').sha256)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.stdout.strip() == prompt_for("gqa_fwd").sha256, done.stderr


def test_no_template_mark_is_left_and_no_gap_grows():
    text = prompt_for("gqa_fwd").text
    assert "{%" not in text
    assert "{{" not in text
    assert "\n\n\n" not in text
    assert text.rstrip().endswith("Write the body that stands at the hole, and its tunables.")


def test_without_patterns_and_workloads_the_prompt_says_so():
    text = prompt_for("gemm", patterns=(), workloads=()).text
    assert "None: work from the reference above." in text
    assert "### Workloads" not in text


def test_what_bounds_a_workload():
    spec = load_spec(SPECS / "gemm.yaml", Sink())
    compute = workload_facts(spec.workloads[0], flops=989e12, size=4.8e9, target=TARGET)
    memory = workload_facts(spec.workloads[0], flops=989e9, size=4.8e12, target=TARGET)
    assert (compute.bound, compute.floor) == ("compute", "1000000")
    assert (memory.bound, memory.floor) == ("memory", "1000000")
    assert compute.shape == "M=4096, N=6144, K=4096"


def test_importing_needs_neither_torch_nor_tilelang():
    modules = (
        "tileops_spec.knowledge.patterns, tileops_spec.knowledge.antipatterns, tileops_spec.knowledge.reference, "
        "tileops_spec.fill.prompt, tileops_spec.fill.answer, tileops_spec.fill.repair, "
        "tileops_spec.fill.providers.handoff, tileops_spec.fill.providers.command"
    )
    code = f"import sys, {modules}; print(sorted({{'torch', 'tilelang', 'tvm', 'z3', 'jinja2'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_example_answer_is_an_answer_and_lowers(tmp_path):
    tilelang = pytest.importorskip("tilelang")
    example = prompt_for("gemm").prefix.split("## The form of the answer")[1].split("static and `M` dynamic:")[1]
    answer = parse_answer(example)
    assert answer.notes.startswith("Memory-bound")
    names = ", ".join(f"{name}={values[0]}" for name, values in answer.body.tunables)
    code = (
        f'import tilelang.language as T\n\n\ndef build(N, {names}):\n    M = T.dynamic("M")\n\n    @T.prim_func\n'
        '    def main(x: T.Tensor((M, N), "float16"), y: T.Tensor((M, N), "float16")):\n'
        f"{textwrap.indent(answer.body.code, '        ')}\n    return main\n"
    )
    path = tmp_path / "example.py"
    path.write_text(code)
    target = tilelang.tvm.target.Target({"kind": "cuda", "arch": "sm_90a"})
    with target:
        lowered = tilelang.engine.lower(runpy.run_path(str(path))["build"](1000), target=target)
    assert "uint4" in lowered.kernel_source  # 16 bytes a thread, as its notes say
