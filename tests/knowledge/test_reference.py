"""The reference page tells the truth about the installed TileLang."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest

from tileops_spec.knowledge.reference import load_reference, reference_fragments, reference_names

HEAD = """\
import tilelang.language as T


def build(
    M, N=1024, K=512, D=128, H=8, HK=2, Bt=2, dtype="float16", causal=True, scale=0.125,
    block_M=128, block_N=128, block_K=64,
):
    @T.prim_func
    def main(
        A: T.Tensor((M, K), dtype), B: T.Tensor((N, K), dtype), C: T.Tensor((M, N), dtype), x: T.Tensor((M, N), dtype),
        w: T.Tensor((N,), "float32"), y: T.Tensor((M,), "float32"), index: T.Tensor((M,), "int32"),
        Q: T.Tensor((Bt, M, H, D), dtype), O: T.Tensor((Bt, M, H, D), dtype), K_: T.Tensor((Bt, N, HK, D), dtype),
    ):
"""


def lowered(code, path, **statics):
    """What TileLang makes of a body, for sm_90a."""
    tilelang = pytest.importorskip("tilelang")
    path.write_text(HEAD + textwrap.indent(code, "        ") + "\n    return main\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = tilelang.tvm.target.Target({"kind": "cuda", "arch": "sm_90a"})
    with target:
        return tilelang.engine.lower(module.build(module.T.dynamic("M"), **statics), target=target)


def lower(code, path):
    """The CUDA of a body: the part after the runtime's own templates."""
    return lowered(code, path).kernel_source.split('extern "C" __global__', 1)[1]


@pytest.mark.parametrize("fragment", reference_fragments(), ids=lambda each: f"line{each.line}")
def test_fragment_lowers_and_shows_what_it_claims(fragment, tmp_path):
    cuda = lower(fragment.code, tmp_path / f"fragment_{fragment.line}.py")
    assert "__launch_bounds__" in cuda
    assert [token for token in fragment.shows if token not in cuda] == []


def test_every_name_exists_in_the_installed_tilelang():
    language = pytest.importorskip("tilelang.language")
    names = reference_names()
    assert len(names) > 40
    assert [name for name in names if not hasattr(language, name)] == []


def test_every_name_stands_in_code():
    """A name that prose alone mentions is a name that nothing verifies."""
    code = "\n".join(each.code for each in reference_fragments())
    assert [name for name in reference_names() if f"T.{name}" not in code] == []


@pytest.mark.parametrize(
    ("threads", "width", "lowers"), [(128, 3072, True), (256, 1536, False), (128, 1000, False), (128, 512, True)]
)
def test_the_rule_on_reduced_extents(threads, width, lowers, tmp_path):
    code = textwrap.dedent(f"""\
        with T.Kernel(T.ceildiv(M, 4), threads={threads}) as b:
            v = T.alloc_fragment((4, {width}), "float32")
            total = T.alloc_fragment((4,), "float32")
            T.copy(x[b * 4, 0], v)
            T.reduce_sum(v, total, dim=1)
            for i in T.Parallel(4):
                y[b * 4 + i] = total[i]
        """)
    path = tmp_path / f"width_{threads}_{width}.py"
    if lowers:
        assert "__launch_bounds__" in lower(code, path)
    else:
        with pytest.raises(Exception, match=r"layout|width"):
            lower(code, path)


def test_a_corner_with_too_many_indices_takes_the_last_axes(tmp_path):
    """Why the page warns of it: neighbouring rows of the tile are read `D` apart (heads), not `H * D` (queries)."""
    code = textwrap.dedent("""\
        with T.Kernel(T.ceildiv(M, 16), H, Bt, threads=128) as (bx, h, b):
            tile = T.alloc_fragment((16, D), dtype)
            T.copy(Q[b, {region}, h{rest}], tile)
            T.copy(tile, O[b, bx * 16 : bx * 16 + 16, h, :])
        """)
    corner = lower(code.format(region="bx * 16", rest=", 0"), tmp_path / "corner.py")
    slices = lower(code.format(region="bx * 16 : bx * 16 + 16", rest=", :"), tmp_path / "slices.py")
    assert corner != slices
    assert "blockIdx.y)" in corner


def test_the_epilogue_tile_shares_memory_with_the_stages(tmp_path):
    """128x256x64 in four stages is 196,608 bytes, with or without the 65,536 bytes of C_s."""
    gemm = next(each for each in reference_fragments() if "warpgroup_reg_" in each.shows)
    made = lowered(gemm.code.replace("num_stages=3", "num_stages=4"), tmp_path / "stages.py", block_N=256)
    sizes = [int(each.attrs["dyn_shared_memory_buf"]) for _, each in made.device_mod.functions.items()]
    assert sizes == [196608]


def test_the_prompt_sees_no_marks():
    text = load_reference()
    assert "<!--" not in text
    assert text.count("```") % 2 == 0
