"""On a GPU: the oracle runs where the inputs are, and the library's kernels lie within the bound at real sizes."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.analysis.binding import bind_workload
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.inputs import draw_inputs
from tileops_spec.analysis.oracle import evaluate
from tileops_spec.analysis.reference import call_reference

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("data", ["normal", "shifted", "integers"])
@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("name", ["gemm", "rms_norm", "gqa_fwd"])
def test_library_kernels_are_within_the_bound(project_spec, name, dtype, data) -> None:
    spec = project_spec(name)
    binding = bind_workload(spec, dict(spec.workloads[0].values), {"T": dtype})
    inputs = {key: value.cuda() for key, value in draw_inputs(spec, binding, data=data, seed=1).items()}
    expected = evaluate(spec, binding, inputs, whole_limit=2**28)
    actual = call_reference(spec.references[0], spec, binding, inputs)
    for output in spec.outputs:
        assert expected[output.name].value.is_cuda
        found = compare(output.name, actual[output.name], expected[output.name])
        assert found is None, found.message
