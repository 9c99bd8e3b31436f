"""References: right ones pass in silence, wrong ones are reported with case, element, both values and bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.reference import ReferenceError, call_reference, check_references
from tileops_spec.diagnostics.diagnostic import Severity, Sink


def with_reference(spec, expression):
    return replace(spec, references=(replace(spec.references[0], expression=expression),))


def findings(spec, expression):
    sink = Sink()
    check_references(with_reference(spec, expression), sink)
    return sink.diagnostics


@pytest.mark.parametrize("name", ["gemm", "rms_norm", "gqa_fwd"])
def test_the_references_of_the_project_agree(project_spec, name) -> None:
    sink = Sink()
    check_references(project_spec(name), sink)
    assert sink.diagnostics == []


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("gemm", "A @ B.T + 1e-9"),
        ("gemm", "A @ B.T * (1 + 1e-9)"),
        ("gemm", "A[:, :-1] @ B[:, :-1].T"),
        ("rms_norm", "torch.nn.functional.rms_norm(x, (D,), w, 1e-5)"),
        ("rms_norm", "torch.nn.functional.rms_norm(x, (D,), None, eps)"),
        ("rms_norm", "torch.nn.functional.layer_norm(x, (D,), w, None, eps)"),
    ],
)
def test_wrong_references_are_found(project_spec, name, expression) -> None:
    (found,) = findings(project_spec(name), expression)
    assert (found.code, found.severity) == ("TS201", Severity.ERROR)
    assert "`torch` gives" in found.message
    assert "where the mathematics gives" in found.message
    assert "±" in found.message
    assert "in case `T=" in found.message
    assert "elements differ" in found.message
    assert found.span is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Sk - Sq", "0"),
        ("if causal and Sq != Sk", "if Sq != Sk"),
        ("K.transpose", "V.transpose"),
    ],
)
def test_wrong_attention_is_found(project_spec, old, new) -> None:
    spec = project_spec("gqa_fwd")
    found = findings(spec, spec.references[0].expression.replace(old, new))
    assert found[0].code in ("TS201", "TS202")
    assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("nothing(A)", "NameError: name 'nothing' is not defined"),
        ("A @ B", "RuntimeError: "),
        ("A @", "SyntaxError"),
        ("(A @ B.T).T.contiguous()", "it returned the shape"),
        ("A @ B.T, A", "it returned tuple, not the tensor C"),
        ("3", "it returned int, not the tensor C"),
        ("open('/etc/passwd')", "NameError: name 'open'"),
    ],
)
def test_references_that_fail_are_reported(project_spec, expression, message) -> None:
    (found,) = findings(project_spec("gemm"), expression)
    assert (found.code, found.severity) == ("TS202", Severity.ERROR)
    assert message in found.message
    assert "the expression sees torch, math, A, B, M, K, N, and returns the tensor C" in found.help


def test_a_reference_may_compute_in_float32(project_spec) -> None:
    text = "(x.float() * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + eps) * w.float())"
    assert findings(project_spec("rms_norm"), f"{text}.to(T)") == []
    (found,) = findings(project_spec("rms_norm"), text)
    assert found.code == "TS203"
    assert "returns y in float32, and the spec declares" in found.message


def test_a_reference_that_leaves_a_param_out_says_its_default(project_spec) -> None:
    """Its cases have the default then, and another default is found."""
    right = "torch.nn.functional.rms_norm(x, (D,), w, 1e-6)"
    assert findings(project_spec("rms_norm"), right) == []
    (found,) = findings(project_spec("rms_norm"), right.replace("1e-6", "2e-6"))
    assert found.code == "TS201"
    assert "eps" not in found.message


@pytest.mark.parametrize(("start", "wrong"), [(2, False), (1, True)])
def test_shapes_that_a_default_does_not_allow_are_left_out(spec_of, start, wrong) -> None:
    text = """
inputs: {x: "f32[M]"}
params: {start: i32 = 2}
outputs: {y: "f32[M - start]"}
where: [0 <= start < M, M <= 4]
math: |
  y[m] = x[m + start]
reference: {torch: x}
"""
    assert findings(spec_of(text), "x[start:]") == []
    assert bool(findings(spec_of(text), f"x[{start}:]")) == wrong


def test_a_reference_without_an_optional_input_says_what_its_absence_means(spec_of) -> None:
    text = """
inputs: {x: "f32[M]", b: "f32[M] = 0"}
outputs: {y: "f32[M]"}
math: |
  y[m] = x[m] + b[m]
reference: {torch: x}
"""
    assert findings(spec_of(text), "x") == []
    (found,) = findings(spec_of(text.replace("= 0", "= 1")), "x")
    assert found.code == "TS201"
    assert "without=b" in found.message


def test_a_reference_that_rounds_too_much_is_a_warning(project_spec) -> None:
    """Right in float64, while in 16 bits it sums a rounded square."""
    text = "x * torch.rsqrt((x * x).cumsum(-1)[..., -1:] / D + eps) * w * (1 if x.dtype == torch.float64 else 1.1)"
    (found,) = findings(project_spec("rms_norm"), text)
    assert (found.code, found.severity) == ("TS201", Severity.WARNING)


def test_a_reference_without_float64_is_held_in_its_own_dtype(project_spec) -> None:
    only_half = "A @ B.T if A.element_size() == 2 else undefined"
    assert findings(project_spec("gemm"), only_half) == []
    (found,) = findings(project_spec("gemm"), "A @ B.T * 1.2 if A.element_size() == 2 else undefined")
    assert (found.code, found.severity) == ("TS201", Severity.ERROR)


def test_groups_are_spelt_out(project_spec) -> None:
    """The reference sees the leading axes themselves: one that takes only matrices fails."""
    (found,) = findings(project_spec("rms_norm"), "torch.nn.functional.rms_norm(x[:, :], (x.shape[1],), w, eps)")
    assert found.code == "TS202"
    assert "(S = [" in found.message


def test_calls_get_copies_and_flatten_results(project_spec) -> None:
    spec = project_spec("rms_norm")
    binding = bind(spec, dims={"S": 6, "D": 8})
    x, w = torch.randn(6, 8), torch.ones(8)
    text = "(x.mul_(0) + torch.tensor([len(S), x.dim(), D, eps, 0, 0, 0, 0]))"
    reference = replace(spec.references[0], expression=text)
    before = x.clone()
    found = call_reference(reference, spec, binding, {"x": x, "w": w}, leading={"S": (2, 3)})
    assert torch.equal(x, before)
    assert found["y"].shape == (6, 8)
    assert found["y"][5, :3].tolist() == [2, 3, 8]
    with pytest.raises(ReferenceError, match="KeyError"):
        call_reference(replace(reference, expression="{}['a']"), spec, binding, {"x": x, "w": w})


def test_tensors_that_a_reference_makes_lie_where_its_inputs_lie(project_spec) -> None:
    """The meta device stands for a GPU: it, too, takes no operand from the CPU but a scalar."""
    spec = project_spec("rms_norm")
    x, w = torch.empty(6, 8, device="meta"), torch.empty(8, device="meta")
    reference = replace(spec.references[0], expression="x * torch.arange(D) + torch.eye(D)[0] * w")
    assert call_reference(reference, spec, bind(spec, dims={"S": 6, "D": 8}), {"x": x, "w": w})["y"].is_meta
    absolute = replace(reference, expression="x * torch.arange(D, device='cpu')")
    with pytest.raises(ReferenceError, match="device"):
        call_reference(absolute, spec, bind(spec, dims={"S": 6, "D": 8}), {"x": x, "w": w})


def test_several_outputs_come_as_tuple_or_dict(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {hi: "f32[M]", at: "i64[M]"}
math: |
  hi[m] = max[n](x[m, n])
  at[m] = argmax[n](x[m, n])
reference: {tuple: "(x.amax(1), x.argmax(1))", dict: "{'at': x.argmax(1), 'hi': x.amax(1)}"}
""")
    sink = Sink()
    check_references(spec, sink)
    assert sink.diagnostics == []
    assert findings(spec, "(x.amax(1), x.argmin(1))")[0].message.startswith("`tuple` gives at[")


def test_mathematics_without_a_value_is_reported(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M]"}
outputs: {y: "f32[M]"}
math: |
  y[m] = x[m + 1]
reference: {torch: "x"}
""")
    sink = Sink()
    check_references(spec, sink)
    assert [found.code for found in sink.errors] == ["TS201"]
    assert "has no value" in sink.errors[0].message


def test_contradictory_clauses_are_reported(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M]"}
outputs: {y: "f32[M]"}
where: [M > 4, M < 3]
math: |
  y[m] = x[m]
reference: {torch: "x"}
""")
    sink = Sink()
    check_references(spec, sink)
    assert [found.code for found in sink.errors] == ["TS120"]
