"""Edits outside the body are found; edits of the body, and files of an older spec, are not edits."""

from __future__ import annotations

import pytest

from tileops_spec.scaffold.drift import drift_diagnostic, find_drift, outside_hashes
from tileops_spec.scaffold.regions import RegionError, extract_body
from tileops_spec.scaffold.render import render_op


@pytest.fixture
def committed(gemm, gemm_body, tmp_path):
    """A committed op: its folder and the hashes that the lock would have."""
    files = render_op(gemm, gemm_body)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path, outside_hashes(files)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_clean(gemm, gemm_body, committed):
    folder, known = committed
    assert find_drift(gemm, gemm_body, folder, known=known) == []
    assert find_drift(gemm, gemm_body, folder) == []


def test_body_and_tunables_may_be_edited(gemm, committed):
    folder, known = committed
    kernel = folder / "kernel.py"
    edit(kernel, "num_stages=2", "num_stages=3")
    edit(kernel, '"block_M": (64, 128)', '"block_M": (128,)')
    body = extract_body(kernel.read_text())
    drifts = find_drift(gemm, body, folder, known=known)
    assert [(drift.file, drift.edited) for drift in drifts] == [("kernel.py", False)]
    assert '-def gemm_kernel(K, N, dtype="float16", *, block_M=64' in drifts[0].diff


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("kernel.py", "return gemm", "return  gemm"), ("op.py", "K % 8", "K % 4"), ("__init__.py", "gemm", "gem")],
)
def test_edit(gemm, gemm_body, committed, file, old, new):
    folder, known = committed
    edit(folder / file, old, new)
    (drift,) = find_drift(gemm, gemm_body, folder, known=known)
    assert (drift.file, drift.edited) == (file, True)
    assert any(line.startswith("-") and new in line for line in drift.diff.splitlines())
    text = (folder / file).read_text()
    found = drift_diagnostic(drift, f"generated/gemm/{file}", text)
    assert found.code == "TS301"
    assert new in text[found.span.start : found.span.end]


def test_file_of_an_older_spec_is_no_edit(gemm, gemm_body, committed):
    folder, _ = committed
    edit(folder / "op.py", "Dense matrix product", "Matrix product")
    older = outside_hashes({path.name: path.read_text() for path in folder.glob("*.py")})
    (drift,) = find_drift(gemm, gemm_body, folder, known=older)
    assert (drift.file, drift.edited) == ("op.py", False)


def test_missing_file_is_no_edit(gemm, gemm_body, committed):
    folder, known = committed
    (folder / "op.py").unlink()
    (drift,) = find_drift(gemm, gemm_body, folder, known=known)
    assert (drift.file, drift.edited) == ("op.py", False)


def test_damaged_marks(gemm, gemm_body, committed):
    folder, known = committed
    edit(folder / "kernel.py", "        # tospec: body end\n", "")
    with pytest.raises(RegionError) as raised:
        find_drift(gemm, gemm_body, folder, known=known)
    assert raised.value.diagnostics[0].span.path.endswith("kernel.py")
