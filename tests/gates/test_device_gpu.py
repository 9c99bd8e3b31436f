"""The device gate on a GPU: an honest body passes, wrong ones do not."""

from __future__ import annotations

import pytest

from tileops_spec.gates.device.gate import check_on_device
from tileops_spec.gates.device.machine import find_machine
from tileops_spec.gates.isolation import Limits
from tileops_spec.hardware import TARGETS

from .conftest import changed

pytestmark = pytest.mark.skipif(find_machine() is None, reason="needs a GPU (nvidia-smi shows none)")
TARGET, LIMITS = TARGETS["sm_90a"], Limits(seconds=120)


def test_honest_body_passes(gemm, cases, kernel_of, honest) -> None:
    verdict = check_on_device(gemm, cases[:3], kernel_of(honest), TARGET, LIMITS)
    assert verdict.status == "passed", verdict.summary
    assert verdict.facts["streams"]
    assert verdict.facts["graph_replays"]


def test_wrong_body_is_refused(gemm, cases, kernel_of) -> None:
    kernel = kernel_of(changed("T.ceildiv(K, block_K), num", "K // block_K, num"))
    verdict = check_on_device(gemm, cases[:3], kernel, TARGET, LIMITS)
    assert verdict.status == "failed"
    assert "TS431" in {each.code for each in verdict.diagnostics}
