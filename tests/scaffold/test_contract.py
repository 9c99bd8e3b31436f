"""The contract hash changes with what a body is written against, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from tileops_spec.ir.spec import Hardware, Reference
from tileops_spec.scaffold.contract import contract_hash, contract_json


def test_indifferent_to_prose_and_places(gemm, spec_from):
    base = contract_hash(gemm)
    assert contract_hash(replace(gemm, summary="Other words.")) == base
    assert contract_hash(replace(gemm, workloads=())) == base
    assert contract_hash(replace(gemm, references=(Reference(library="torch", expression="A @ B.T"),))) == base
    assert contract_hash(replace(gemm, path="elsewhere/gemm.yaml")) == base


def test_sensitive_to_the_contract(gemm):
    changes = {
        "op": "other",
        "dtypes": (replace(gemm.dtypes[0], options=("f16",)),),
        "dims": tuple(replace(dim, dynamic=False) for dim in gemm.dims),
        "inputs": tuple(reversed(gemm.inputs)),
        "where": gemm.where[:1],
        "hardware": Hardware(targets=("sm_80",)),
    }
    hashes = {contract_hash(replace(gemm, **{name: value})) for name, value in changes.items()}
    assert len(hashes) == len(changes)
    assert contract_hash(gemm) not in hashes


def test_places_do_not_reach_the_json(gemm):
    assert "span" not in contract_json(gemm)
    assert "specs/" not in contract_json(gemm)


def test_stable_over_processes(gemm):
    code = (
        "from pathlib import Path\n"
        "from tileops_spec.check import load_spec\n"
        "from tileops_spec.diagnostics.diagnostic import Sink\n"
        "from tileops_spec.scaffold.contract import contract_hash\n"
        f"print(contract_hash(load_spec(Path({gemm.path!r}), Sink())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == contract_hash(gemm)
