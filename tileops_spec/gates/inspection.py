"""What a traced kernel does to its parameters, and what it asks of compilers: read from its TIR.

The text of a body says what it seems to do; the TIR says what every line of it came to, for one build.
"""

from __future__ import annotations

import re
from typing import Any

_CALLS = re.compile(
    r"call_(pure_)?extern|call_(c?packed|llvm)\w*|tvm_call\w*|anylist\w*|inline\w*|asm\w*|print\w*|printf"
)
_NOTES = re.compile(r"import|prelude|source|compile_flags|pass_config|extern|asm", re.I)
_BOTH = re.compile(r"address_of|access_ptr|atomic")
_READ, _WRITE = 1, 2


def inspect_function(function: Any) -> dict[str, list]:
    """Of a PrimFunc: places of the tensor parameters that are `read` and `written`; and what is `foreign`, by name."""
    from tilelang import tvm

    look = _Look(function)
    tvm.tirx.stmt_functor.post_order_visit(function.body, look.visit)
    return look.facts()


class _Look:
    def __init__(self, function: Any) -> None:
        buffers = [function.buffer_map.get(param) for param in function.params]
        self._places = {buffer.data: place for place, buffer in enumerate(buffers) if buffer is not None}
        self._loads: dict[int, int] = {}  # hash of the node → place, of loads outside of regions
        self._regions: set[int] = set()
        self._read: set[int] = set()
        self._written: set[int] = set()
        self._foreign = {str(key) for key in dict(function.attrs or {}) if _NOTES.search(str(key))}

    def visit(self, node: Any) -> None:
        kind = type(node).__name__
        rule = {"BufferLoad": self._load, "BufferStore": self._store, "Call": self._call, "AttrStmt": self._attribute}
        if kind in rule:
            rule[kind](node)
        elif kind in ("SBlock", "For"):
            self._note(*dict(node.annotations or {}))

    def facts(self) -> dict[str, list]:
        loaded = {place for node, place in self._loads.items() if node not in self._regions}
        return {
            "read": sorted(self._read | loaded),
            "written": sorted(self._written),
            "foreign": sorted(self._foreign),
        }

    def _load(self, node: Any) -> None:
        place = self._places.get(node.buffer.data)
        if place is not None:
            self._loads[hash(node)] = place

    def _store(self, node: Any) -> None:
        self._uses(node.buffer, _WRITE)

    def _attribute(self, node: Any) -> None:
        self._note(node.attr_key)

    def _note(self, *keys: Any) -> None:
        self._foreign |= {str(key) for key in keys if _NOTES.search(str(key))}

    def _call(self, node: Any) -> None:
        name = str(getattr(node.op, "name", node.op)).rpartition(".")[2]
        if _CALLS.fullmatch(name):
            self._foreign.add(name)
        if name == "region":
            self._regions.add(hash(node.args[0]))
            self._uses(node.args[0].buffer, int(node.args[1]))
        elif _BOTH.search(name):
            for each in node.args:
                self._uses_both(each)

    def _uses_both(self, argument: Any) -> None:
        if type(argument).__name__ == "BufferLoad":
            self._uses(argument.buffer, _READ | _WRITE)

    def _uses(self, buffer: Any, access: int) -> None:
        place = self._places.get(buffer.data)
        if place is None:
            return
        if access & _READ:
            self._read.add(place)
        if access & _WRITE:
            self._written.add(place)
