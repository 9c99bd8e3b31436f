"""How a gate names one build of a candidate: the factory in kernel.py and its arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..analysis.binding import Binding, bind_workload
from ..analysis.cases import Case
from ..ir.dtypes import DTYPES
from ..ir.spec import Spec
from ..scaffold.naming import dtype_parameter, factory_name, presence_flag, safe_name


def build_request(spec: Spec, binding: Binding, kernel: str, absent: Collection[str] = ()) -> dict[str, Any]:
    """JSON data for the child: the path of kernel.py, the factory's name, its arguments; tunables at their defaults."""
    arguments = factory_arguments(spec, binding, absent)
    return {"kernel": kernel, "factory": factory_name(spec.op), "arguments": arguments}


def factory_arguments(spec: Spec, binding: Binding, absent: Collection[str] = ()) -> dict[str, Any]:
    """The factory's keyword arguments for a binding: static dims, dtypes by TileLang's names, params; and which
    optional inputs are given, all but the absent ones."""
    arguments: dict[str, Any] = {safe_name(dim.name): binding.dims[dim.name] for dim in spec.static_dims}
    for variable in spec.dtypes:
        arguments[dtype_parameter(spec, variable.name)] = DTYPES[binding.dtypes[variable.name]].tilelang
    arguments |= {safe_name(param.name): binding.params[param.name] for param in spec.params}
    optional = (tensor for tensor in spec.inputs if tensor.default is not None)
    return arguments | {presence_flag(tensor): tensor.name not in absent for tensor in optional}


def representative_bindings(spec: Spec, cases: Iterable[Case]) -> list[Binding]:
    """As few bindings as have every dtype and both values of every flag: real static extents from the workload in whose
    turn each is, or those of a case where there is no workload."""
    choices: dict[frozenset, Binding] = {}
    for case in cases:
        binding = case.binding(spec)
        choices.setdefault(_choice(spec, binding), binding)
    kept: list[Binding] = []
    unseen = set().union(*choices)
    while unseen:
        choice = max(choices, key=lambda each: len(each & unseen))
        kept.append(choices[choice])
        unseen -= choice
    return [_at_workload(spec, binding, position) for position, binding in enumerate(kept)]


def _choice(spec: Spec, binding: Binding) -> frozenset[tuple[str, Any]]:
    flags = ((param.name, binding.params[param.name]) for param in spec.params if param.dtype == "bool")
    return frozenset((*binding.dtypes.items(), *flags, ("", True)))


def _at_workload(spec: Spec, binding: Binding, position: int) -> Binding:
    if not spec.workloads:
        return binding
    workload = spec.workloads[position % len(spec.workloads)]
    flags = {param.name: binding.params[param.name] for param in spec.params if param.dtype == "bool"}
    values: Mapping[str, Any] = {**dict(workload.values), **flags}
    return bind_workload(spec, values, dict(binding.dtypes))


_FROM_CASES = 4
"""How many builds of cases are lowered beside those of the workloads: a build of attention takes seconds."""


def further_bindings(spec: Spec, cases: Iterable[Case], first: Iterable[Binding]) -> list[Binding]:
    """Builds to be lowered beside `first`: what lowers at one extent need not at another. Every workload's, dtypes in
    turn; then those of cases with most arguments that no other has, up to a number."""
    workloads = [_of_workload(spec, position) for position in range(len(spec.workloads))]
    found = _distinct(spec, (*first, *workloads))
    known = {pair for arguments in found for pair in arguments}
    start, waiting = len(_distinct(spec, first)), _distinct(spec, (case.binding(spec) for case in cases))
    for _ in range(_FROM_CASES):
        rest = [arguments for arguments in waiting if arguments not in found]
        if rest:
            arguments = max(rest, key=lambda each: len(set(each) - known))
            found[arguments] = waiting[arguments]
            known.update(arguments)
    return list(found.values())[start:]


def _distinct(spec: Spec, bindings: Iterable[Binding]) -> dict[tuple[tuple[str, Any], ...], Binding]:
    """One binding a build, by the factory's arguments."""
    found: dict[tuple[tuple[str, Any], ...], Binding] = {}
    for binding in bindings:
        found.setdefault(tuple(factory_arguments(spec, binding).items()), binding)
    return found


def _of_workload(spec: Spec, position: int) -> Binding:
    choices = [dict(choice) for choice in spec.dtype_choices()]
    return bind_workload(spec, dict(spec.workloads[position].values), choices[position % len(choices)])


def build_label(spec: Spec, binding: Binding) -> str:
    """`T=f16 N=4096 K=4096`: what one build is for."""
    pairs = [*binding.dtypes.items(), *((dim.name, binding.dims[dim.name]) for dim in spec.static_dims)]
    pairs += [(p.name, str(binding.params[p.name]).lower()) for p in spec.params if p.dtype == "bool"]
    return " ".join(f"{name}={value}" for name, value in pairs)
