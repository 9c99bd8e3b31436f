"""What a spec says and what is derived from it, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..hardware import TARGETS, Feature, derive_features
from ..ir.show import show_definition, show_expr, show_param, show_tensor
from ..ir.spec import Spec
from .explanation import Data

_INDENT = "  "


def signature_lines(spec: Spec) -> Iterator[str]:
    """The contract in a few lines: tensors, dims, dtypes, params, constraints."""
    inputs, outputs = (", ".join(show_tensor(each, spec) for each in group) for group in (spec.inputs, spec.outputs))
    yield f"{inputs} -> {outputs}"
    dims = [f"{dim.name} {'dynamic' if dim.dynamic else 'static'}" for dim in spec.dims]
    dtypes = [f"{each.name} = {' | '.join(each.options)}" for each in spec.dtypes]
    yield "; ".join((*dtypes, *dims))
    if spec.params:
        yield "params " + ", ".join(map(show_param, spec.params))
    if spec.where:
        yield "where " + ", ".join(map(show_expr, spec.where))
    if spec.tolerance:
        yield str(spec.tolerance)


def math_lines(spec: Spec) -> Iterator[str]:
    """One line a definition, casts that promotion added included."""
    return map(show_definition, spec.math)


def features_of(spec: Spec) -> tuple[Feature, ...]:
    """The features on the spec's first target."""
    return derive_features(spec, TARGETS[spec.hardware.targets[0]])


def feature_lines(features: Sequence[Feature]) -> Iterator[str]:
    """`yes  wgmma  because …`, present ones first; a no that a clause would turn into a yes names the clause."""
    width = max((len(feature.name) for feature in features), default=0)
    for feature in sorted(features, key=lambda feature: not feature.present):
        unlock = f" (`where: {feature.unlock}` would give it)" if feature.unlock and not feature.present else ""
        yield f"{'yes' if feature.present else 'no '}  {feature.name:{width}}  {feature.reason}{unlock}"


def explanation_lines(spec: Spec, data: Data) -> Iterator[str]:
    """The page of a spec from what `explanation.explain_spec` gives."""
    yield f"{data['op']}: {data['summary']}"
    yield from _section("contract", signature_lines(spec))
    yield from _section("mathematics", data["math"] or ["none: only what the signature says can be derived"])
    yield from _section("class", [", ".join(data["class"])])
    yield from _section("structure", structure_lines(data["structure"]))
    shown = next(each for each in data["targets"] if each["name"] == data["target"])
    yield from _section(f"features on {shown['name']} ({shown['device']})", _features(shown["features"]))
    if len(data["targets"]) > 1:
        yield from _section("features by target", _by_target(data["targets"]))
    yield from _section("cost", [f"FLOPs         {data['cost']['flops']}", f"fewest bytes  {data['cost']['bytes']}"])
    yield from _section("devices", map(_device, data["devices"]))
    if data["workloads"]:
        yield from _section("workloads, with the time that no kernel can go below", _workloads(data))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"{_INDENT}{line}" for line in lines)


# structure


def structure_lines(data: Data) -> Iterator[str]:
    """The forms that the mathematics is made of, with their axes."""
    for each in data["contractions"]:
        yield from _contraction(each)
    for each in data["chains"]:
        path = " → ".join((each["first"], *each["between"], each["second"]))
        yield f"chain: {path}{', an online softmax between two products' if each['online_softmax'] else ''}"
    for each in data["softmaxes"]:
        masked = f", masked where `{each['masked']}`" if each["masked"] else ""
        readers = f"; {', '.join(each['consumers'])} sums over it" if each["consumers"] else ""
        yield f"softmax: {each['target']} over {_range(each['axis'])}{masked}{readers}"
    for each in data["reductions"]:
        yield f"reduction: {each['target']} takes the {each['function']} over {_ranges(each['axes'])}"
    yield from _movement(data)
    if not any(data.values()):
        yield "every element by itself"


def _contraction(each: Data) -> Iterator[str]:
    sides = f"{each['left']['reads']} · {each['right']['reads']}"
    yield f"contraction: {each['target']} = Σ {sides}, accumulated in {each['accumulator']}"
    for name in ("batch", "m", "n", "k"):
        yield f"  {name if name == 'batch' else name.upper():5}  {_ranges(each[name]) or 'none'}"
    for name in ("left", "right"):
        yield f"  {name:5}  {_operand(each[name])}"


def _operand(side: Data) -> str:
    what = f"{side['reads']} in {side['dtype']}"
    if side["tensor"] is None:
        return f"{what}, computed on the way"
    if side["major"] is None:
        return f"{what}: its innermost index `{side['innermost']}` is no axis of the product"
    return f"{what}: {side['major']}-major, its innermost index is `{side['innermost']}`"


def _movement(data: Data) -> Iterator[str]:
    for each in data["scans"]:
        way = "backward" if each["backward"] else "forward"
        yield f"scan: {each['target']} is a {each['function']} along {each['axis']}, {way}"
    for each in data["orders"]:
        yield f"order: {each['target']} takes the {each['function']} along {', '.join(each['axes'])}"
    for each in data["gathers"]:
        yield f"gather: {each['target']} reads axis {each['position']} of {each['tensor']} at `{each['index']}`"
    for each in data["scatters"]:
        how = "adds to" if each["adds"] else "replaces"
        yield f"scatter: {how} {each['target']} at `{', '.join(each['indices'])}`"
    for each in data["shared"]:
        place = f"{each['tensor']} at `{each['index']}`"
        yield f"shared: several {each['axis']} of {each['target']} read one element of {place}"


def _ranges(axes: Sequence[Data]) -> str:
    return ", ".join(map(_range, axes))


def _range(axis: Data) -> str:
    bounds = [f"{word} {axis[key]}" for key, word in (("from", "from"), ("below", "below")) if key in axis]
    return f"{axis['name']} < {axis['extent']}" + (f" ({', '.join(bounds)})" if bounds else "")


# features


def _features(features: Sequence[Data]) -> Iterator[str]:
    """Two lines a feature: what it is, and why the answer is yes or no; then the clause that would change a no."""
    width = max(len(each["name"]) for each in features)
    for each in sorted(features, key=lambda each: (not each["present"], not each["unlock"])):
        yield f"{'yes' if each['present'] else 'no '}  {each['name']:{width}}  {each['meaning']}"
        yield f"       {each['reason']}"
        if each["unlock"]:
            yield f"       add to `where`: {each['unlock']}"
            yield f"       {each['proof']} ⇒ {each['name']}{_refusals(each['refused'])}"


def _refusals(refused: Sequence[str]) -> str:
    return f"; it would refuse {', '.join(refused)}" if refused else ""


def _by_target(targets: Sequence[Data]) -> Iterator[str]:
    """One line a feature, one column a target."""
    names = [each["name"] for each in targets]
    found = {each["name"]: {feature["name"]: feature for feature in each["features"]} for each in targets}
    rows = [("", *names)]
    for feature in found[names[0]]:
        rows.append((feature, *(_answer(found[name][feature]) for name in names)))
    yield from table_lines(rows)


def _answer(feature: Data) -> str:
    return "yes" if feature["present"] else f"no, but for {feature['unlock']}" if feature["unlock"] else "no"


# cost


def _device(each: Data) -> str:
    unit = f"on tensor cores ({each['dtype']})" if each["tensor_cores"] else f"in {each['dtype']}, without tensor cores"
    balance = each["peak"] / each["bandwidth"]
    return (
        f"{each['name']}: {each['peak'] / 1e12:.4g} TFLOP/s {unit}, {each['bandwidth'] / 1e12:.3g} TB/s; "
        f"they balance at {balance:.3g} FLOP a byte"
    )


def _workloads(data: Data) -> Iterator[str]:
    names = {each["key"]: each["name"] for each in data["devices"]}
    rows = [("name", "shape", "GFLOP", "MB", "FLOP/B", *names.values())]
    for each in data["workloads"]:
        floors = [f"{_number(floor['seconds'] * 1e6)} µs {floor['bound']}" for floor in each["floors"]]
        figures = (each["flops"] / 1e9, each["bytes"] / 1e6, each["intensity"] or 0.0)
        rows.append((each["name"], shape_text(each["values"]), *map(_number, figures), *floors))
    yield from table_lines(rows)


def shape_text(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    return "×".join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: float) -> str:
    """Three digits, or all of them before the point: no exponents."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns of text, each as wide as its widest cell."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
