"""Everything that is derived from a spec without torch, as JSON data: what `tospec explain` prints.

The keys are documented in docs/explain.md; a change of them changes VERSION.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..analysis.binding import bind_workload
from ..analysis.classify import Contraction, Operand, Structure, depends_on
from ..analysis.cost import cost
from ..analysis.operands import layout_of
from ..hardware import TARGETS
from ..hardware.device import Device, devices_of
from ..hardware.features import Feature, Known, features_on, known_of, meaning
from ..hardware.floor import Rate, floor_of, rate_of
from ..ir.nodes import Axis
from ..ir.show import show_definition, show_expr, show_param, show_tensor
from ..ir.spec import Spec

VERSION = 1
"""The version of the data's keys."""

Data = dict[str, Any]


def explain_spec(spec: Spec, *, targets: Sequence[str] = (), devices: Sequence[Device] = ()) -> Data:
    """The data for some targets (default: all), with floors on some devices (default: those of the main target).

    The main target is the first of `targets`, else the spec's first.
    """
    known = known_of(spec)
    main = (*targets, spec.hardware.targets[0])[0]
    shown = devices or _devices(main)
    rates = [(device, rate_of(spec, known.structure, device)) for device in shown]
    formulas = cost(spec)
    return {
        "version": VERSION,
        "op": spec.op,
        "summary": spec.summary,
        "family": spec.family,
        "status": spec.status,
        "signature": _signature(spec),
        "tolerance": str(spec.tolerance) if spec.tolerance else None,
        "math": [show_definition(each) for each in spec.math],
        "class": list(known.structure.kinds) if spec.math else ["unknown"],
        "structure": _structure(spec, known.structure),
        "target": main,
        "targets": [_target(name, known) for name in targets or TARGETS],
        "cost": {"flops": formulas.flops, "bytes": formulas.bytes},
        "devices": [_device(device, rate) for device, rate in rates],
        "workloads": _workloads(spec, rates),
    }


def _devices(target: str) -> tuple[Device, ...]:
    """The devices of a target, the one that stands for it first."""
    stands = TARGETS[target].device_key
    return tuple(sorted(devices_of(target), key=lambda device: device.key != stands))


def _signature(spec: Spec) -> Data:
    return {
        "inputs": [show_tensor(each, spec) for each in spec.inputs],
        "outputs": [show_tensor(each, spec) for each in spec.outputs],
        "dtypes": {each.name: list(each.options) for each in spec.dtypes},
        "dims": {dim.name: "dynamic" if dim.dynamic else "static" for dim in spec.dims},
        "params": [show_param(each) for each in spec.params],
        "where": [show_expr(each) for each in spec.where],
        "assumptions": [show_expr(each) for each in spec.assumptions],
    }


# structure


def _structure(spec: Spec, structure: Structure) -> Data:
    return {
        "contractions": [_contraction(each, spec) for each in structure.contractions],
        "chains": [_chain(first, second, spec, structure) for first, second in dict.fromkeys(structure.chains)],
        "softmaxes": [
            {
                "target": each.target,
                "axis": _axis(each.axis),
                "masked": show_expr(each.mask.condition) if each.mask else None,
                "consumers": list(dict.fromkeys(each.consumers)),
            }
            for each in structure.softmaxes
        ],
        "reductions": [
            {"target": each.target, "function": each.function, "axes": _axes(each.axes)}
            for each in structure.reductions
        ],
        "scans": [_record(each) for each in structure.scans],
        "orders": [_record(each) for each in structure.orders],
        "gathers": [_record(each) for each in structure.gathers],
        "scatters": [_record(each) for each in structure.scatters],
        "shared": [
            {"target": each.target, "tensor": each.tensor, "axis": each.index, "index": show_expr(each.expr)}
            for each in structure.groups
        ],
    }


def _contraction(each: Contraction, spec: Spec) -> Data:
    parts = {"batch": each.batch, "m": each.m, "n": each.n, "k": each.k}
    return {
        "target": each.target,
        "accumulator": each.dtype,
        **{name: _axes(axes) for name, axes in parts.items()},
        "left": _operand(each, each.left, spec),
        "right": _operand(each, each.right, spec),
    }


def _operand(each: Contraction, side: Operand, spec: Spec) -> Data:
    layout = layout_of(each, side, spec)
    return {
        "reads": str(side),
        "dtype": side.dtype,
        "tensor": layout.tensor or None,
        "major": layout.major or None,
        "innermost": show_expr(layout.index) if layout.index is not None else None,
    }


def _chain(first: str, second: str, spec: Spec, structure: Structure) -> Data:
    """Two contractions, and the definitions on the way from one to the other."""
    sources = {each.target: depends_on(each.value, spec) for each in spec.math}
    between = [name for name in sources if name not in (first, second) and first in sources[name]]
    softmaxes = {each.target for each in structure.softmaxes}
    path = [name for name in between if name in sources[second]]
    return {"first": first, "between": path, "second": second, "online_softmax": bool(softmaxes & set(path))}


def _axes(axes: Sequence[Axis]) -> list[Data]:
    return [_axis(axis) for axis in axes]


def _axis(axis: Axis) -> Data:
    bounds = {
        name: show_expr(bound) for name, bound in (("from", axis.lower), ("below", axis.upper)) if bound is not None
    }
    return {"name": axis.name, "extent": show_expr(axis.extent), **bounds}


# targets, devices, workloads


def _target(name: str, known: Known) -> Data:
    return {
        "name": name,
        "device": TARGETS[name].gpu,
        "features": [_feature(each) for each in features_on(known, TARGETS[name])],
    }


def _feature(feature: Feature) -> Data:
    return {**_record(feature), "meaning": meaning(feature.name)}


def _record(found: Any) -> Data:
    """A dataclass of plain values as JSON data: tuples are lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(found).items()}


def _device(device: Device, rate: Rate) -> Data:
    return {
        "key": device.key,
        "name": device.name,
        "bandwidth": device.bandwidth,
        "peak": rate.flops,
        "dtype": rate.dtype,
        "tensor_cores": rate.on_tensor_cores,
    }


def _workloads(spec: Spec, rates: Sequence[tuple[Device, Rate]]) -> list[Data]:
    """Every workload with its cost in the first option of each dtype."""
    formula = cost(spec)
    rows = []
    for workload in spec.workloads:
        values: Mapping[str, object] = dict(workload.values)
        value = formula.evaluate(bind_workload(spec, values))
        floors = [(device, floor_of(value, rate, device)) for device, rate in rates]
        rows.append(
            {
                "name": workload.name,
                "values": {name: list(each) if isinstance(each, tuple) else each for name, each in values.items()},
                "flops": value.flops,
                "bytes": value.bytes,
                "intensity": value.intensity if value.bytes else None,
                "floors": [
                    {"device": device.key, "seconds": floor.seconds, "bound": floor.bound} for device, floor in floors
                ],
            }
        )
    return rows
