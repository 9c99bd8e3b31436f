"""One case in this process: example → PrimFunc → simulator → comparison."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import time
import types
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock, patch

from .cases import Case

AGREES = ("agrees", "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """verdict: agrees, unsupported, finding (the simulator calls it wrong), differs, error."""

    verdict: str
    detail: str
    seconds: float


class _Stubs:
    """Packages that an example imports for its own benchmark, where they are not installed."""

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        caller = inspect.currentframe()
        while caller is not None and (
            "importlib" in caller.f_code.co_filename or caller.f_code.co_filename == __file__
        ):
            caller = caller.f_back
        asked_by_example = caller is not None and "examples" in Path(caller.f_code.co_filename).parts
        return ModuleSpec(name, self, is_package=True) if asked_by_example else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        stub = MagicMock(name=spec.name)
        stub.__path__, stub.__name__, stub.__spec__ = [], spec.name, spec
        stub.__file__, stub.__version__ = "", "0"
        return stub

    def exec_module(self, module) -> None:
        """Nothing to run."""


def run_case(case: Case, examples: Path) -> Outcome:
    """Builds, runs and compares; exceptions of the example's own code are verdicts too."""
    from tileops_spec.simulate import Unsupported

    started = time.perf_counter()
    try:
        verdict, detail = _judge(case, examples)
    except Unsupported as refusal:
        verdict, detail = "unsupported", str(refusal)
    except Exception as problem:
        verdict, detail = "error", f"{type(problem).__name__}: {problem}"
    return Outcome(verdict, detail, time.perf_counter() - started)


def _judge(case: Case, examples: Path) -> tuple[str, str]:
    import torch

    from tileops_spec.simulate import build, translate

    torch.manual_seed(0)
    func = prim_func(case, examples)
    kernel = build(translate(func))
    given = case.inputs()
    values = _values(given, func)
    expected = case.reference(_view(case, values))
    for name in expected:
        if name not in given:
            values[name].view(torch.uint8).fill_(0xFF)
    copies = {name: v.clone() if isinstance(v, torch.Tensor) else v for name, v in values.items()}
    verdict = _run(kernel, values, expected, case, order="shuffled", parallel="forward")
    return _run(kernel, copies, expected, case, order="reverse", parallel="reverse") if verdict == AGREES else verdict


def _run(kernel, values: dict, expected: dict, case: Case, **how) -> tuple[str, str]:
    report = kernel.run(list(values.values()), **how)
    checked = (_difference(name, values[name], want, case) for name, want in expected.items())
    wrong = [text for text in checked if text]
    errors = [f"line {f.line}: {f.message}" for f in report.findings if f.severity == "error"]
    if wrong:
        return "differs", "; ".join([*errors, *wrong])
    return ("finding", errors[0]) if errors else AGREES


def prim_func(case: Case, examples: Path):
    """The kernel before lowering."""
    import tilelang.language as T
    from tvm.target import Target

    module = load(examples / case.file, case.function)
    vars(module).update(case.constants)
    function = getattr(module, case.function)
    arguments = {k: getattr(T, v[2:]) if str(v).startswith("T.") else v for k, v in case.arguments.items()}
    function = getattr(function, "jit_impl", function)
    with Target({"kind": "cuda", "arch": "sm_90a"}), _everything_on_the_cpu():
        return function.get_tir(**arguments) if hasattr(function, "get_tir") else function(**arguments)


def load(path: Path, function: str):
    """The example as a module. Some go on to run on a GPU, and fail there: what they defined before then counts."""
    sys.meta_path.append(_Stubs())
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        with _everything_on_the_cpu():
            spec.loader.exec_module(module)
    except Exception:
        if not hasattr(module, function):
            raise
    return module


@contextlib.contextmanager
def _everything_on_the_cpu():
    """An example may ask for its device, and make tensors on it, before it makes a kernel."""
    import torch

    def without_device(make):
        return lambda *args, device=None, **options: make(*args, **options)

    with contextlib.ExitStack() as stack:
        for name in ("rand", "randn", "zeros", "empty"):
            stack.enter_context(patch.object(torch, name, without_device(getattr(torch, name))))
        stack.enter_context(patch.object(torch.Tensor, "cuda", lambda tensor: tensor))
        stack.enter_context(patch.object(torch.cuda, "get_device_capability", lambda *device: (9, 0)))
        stack.enter_context(patch.object(torch.cuda, "get_device_name", lambda *device: "NVIDIA H200"))
        yield


def _values(given: dict, func) -> dict:
    """Arguments in parameter order."""
    import torch

    values: dict = {}
    for param in func.params:
        buffer = func.buffer_map.get(param, None) if hasattr(func.buffer_map, "get") else func.buffer_map[param]
        name = param.name if buffer is None else buffer.name
        if name in given:
            values[name] = given[name]
            continue
        dtype = getattr(torch, {"float8_e4m3": "float8_e4m3fn"}.get(str(buffer.dtype), str(buffer.dtype)))
        shape = [int(e) for e in buffer.shape]
        values[name] = _drawn(shape, dtype)
    unknown = set(given) - set(values)
    if unknown:
        raise KeyError(f"inputs {sorted(unknown)} are not among the parameters {sorted(values)}")
    return values


def _drawn(shape: list[int], dtype):
    import torch

    if dtype.is_floating_point:
        return torch.randn(shape).to(dtype)
    if dtype == torch.bool:
        return torch.rand(shape) < 0.5
    low, high = (-8, 8) if dtype.is_signed else (0, 16)
    return torch.randint(low, high, shape).to(dtype)


def _view(case: Case, values: dict) -> SimpleNamespace:
    import torch

    wide = {
        name: v.double() if isinstance(v, torch.Tensor) and v.dtype.is_floating_point else v
        for name, v in values.items()
    }
    return SimpleNamespace(**{**case.arguments, **wide})


def _difference(name: str, found, expected, case: Case) -> str:
    """Why a result is not the expected one; empty where it is, by the norm of the error and by its maximum."""
    import torch

    if name in case.unordered:
        found, expected = found.sort().values, expected.sort().values

    if not expected.dtype.is_floating_point:
        return "" if torch.equal(found.to(expected.dtype), expected) else f"{name} is not equal"
    found, expected = found.double(), expected.double()
    if found.shape != expected.shape:
        return f"{name} has the shape {tuple(found.shape)}, the reference {tuple(expected.shape)}"
    infinite = ~expected.isfinite()
    if not torch.equal(found[infinite], expected[infinite]):
        return f"{name} is not infinite, or NaN, where the reference is"
    error = (found - expected)[~infinite]
    if error.numel() == 0:
        return ""
    scale = expected[~infinite]
    norm = error.norm() / scale.norm().clamp_min(1e-30)
    worst = error.abs().max() / scale.abs().max().clamp_min(1e-30)
    if norm <= case.tolerance and worst <= 3 * case.tolerance:
        return ""
    return f"{name}: error {norm:.2g} of the norm, at most {worst:.2g} of the largest"
