"""The calls that are made of a kernel for one case, and what was seen at each; nothing is judged here.

This runs in the child. What it reports are digests, names and errors; the outputs lie in files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..tensors import read_tensor
from .arena import Arena
from .platform import Platform

CALLS = 11
"""Of the same inputs. Between them come calls on others."""
_OTHERS_AFTER = (1, 6)
"""After which of the calls a call on other inputs is made."""


@dataclass
class Session:
    """One case: `sets` are the records of each set of inputs, the outputs among them."""

    platform: Platform
    kernel: Callable[[Sequence[Tensor]], None]
    sets: Sequence[Sequence[Mapping[str, Any]]]
    outputs: Path
    number: int
    seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sources = [self._held(_bytes_of(records)) for records in self.sets]
        self._firsts: dict[tuple[int, str], tuple[Tensor, str]] = {}

    def run(self) -> list[dict[str, Any]]:
        """Every kind of call; the first that raises is the last, since a device that failed stays so."""
        for kind, number, which, call in self._plan():
            try:
                arena = call()
                self.platform.synchronize()
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                self.seen.append({"kind": kind, "number": number, "set": which, "error": said[:2000]})
                break
            self.seen.append({"kind": kind, "number": number, "set": which, **self._look(arena, which)})
        return self.seen

    def _plan(self) -> Iterator[tuple[str, int, int, Callable[[], Arena]]]:
        """Kind of call, its number, the set of inputs, and what makes it."""
        base = Arena.lay_out(self.platform, self.sets[0])
        others = 0
        for number in range(1, CALLS + 1):
            yield "call", number, 0, lambda number=number: self._call(base, number)
            if number in _OTHERS_AFTER:
                others += 1
                which = others % len(self.sets)
                yield "other", number, which, lambda which=which: self._filled(base, which)
        other = 1 % len(self.sets)
        yield "stream", 1, other, lambda: self._on_stream(other)
        replay: list[Any] = []
        for number, which in enumerate((0, other), start=1):
            yield "graph", number, which, lambda which=which: self._replayed(replay, which)
        for index in range(1, self.platform.count()):
            yield "device", index, 0, lambda index=index: self._on_device(index)

    def _call(self, base: Arena, number: int) -> Arena:
        """Odd calls at the pointers of the first, even ones elsewhere."""
        arena = base if number % 2 else Arena.lay_out(self.platform, self.sets[0], shift=number // 2)
        return self._filled(arena, 0)

    def _filled(self, arena: Arena, which: int) -> Arena:
        arena.fill(self._sources[which])
        self.kernel(arena.tensors)
        return arena

    def _on_stream(self, which: int) -> Arena:
        """Inputs that arrive late, on that stream alone; outputs copied there right behind the kernel."""
        staged, used, kept = (Arena.lay_out(self.platform, self.sets[which]) for _ in range(3))
        staged.fill(self._sources[which])
        used.poison()
        with self.platform.stream():
            used.take_from(staged)
            self.kernel(used.tensors)
            kept.take_from(used)
        self.platform.synchronize()
        return kept

    def _replayed(self, replay: list[Any], which: int) -> Arena:
        """The first time, the call is captured."""
        if not replay:
            arena = Arena.lay_out(self.platform, self.sets[which], shift=1)
            arena.poison()
            replay += [arena, self.platform.capture(lambda: self.kernel(arena.tensors))]
        replay[0].fill(self._sources[which])
        replay[1]()
        return replay[0]

    def _on_device(self, index: int) -> Arena:
        with self.platform.current(index):
            arena = self._filled(Arena.lay_out(self.platform, self.sets[0]), 0)
            self.platform.synchronize()
        return arena

    def _held(self, contents: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Copies where kernels run: what a stray store does to them shows as a changed input."""
        found = {}
        for name, content in contents.items():
            found[name] = self.platform.allocate(content.numel())
            found[name].copy_(content)
        return found

    def _look(self, arena: Arena, which: int) -> dict[str, Any]:
        """Damaged guards, inputs that changed, and the digest of each output, kept in a file once."""
        found: dict[str, Any] = {"guards": [], "changed": [], "outputs": {}}
        for place in arena.places:
            name = place.record["name"]
            if not place.intact():
                found["guards"].append(name)
            if place.record["role"] == "input":
                if not _same(place.bytes, self._sources[which][name]):
                    found["changed"].append(name)
            else:
                found["outputs"][name] = self._digest(which, name, place.bytes)
        return found

    def _digest(self, which: int, name: str, content: Tensor) -> str:
        """Nothing is copied to the host where the bytes are those of the first result on these inputs."""
        first = self._firsts.get((which, name))
        if first is not None and _same(content, first[0]):
            return first[1]
        digest = self._keep(name, content.cpu())
        if first is None:
            self._firsts[which, name] = content.clone(), digest
        return digest

    def _keep(self, name: str, content: Tensor) -> str:
        data = memoryview(content.numpy())
        digest = hashlib.sha256(data).hexdigest()
        path = self.outputs / f"{self.number}-{name}-{digest}"
        if not path.exists():
            path.write_bytes(data)
        return digest


def _same(content: Tensor, other: Tensor) -> bool:
    return content.equal(other.to(content.device))


def _bytes_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """The content of what a kernel reads, by name."""
    import torch

    read = {each["name"]: read_tensor(dict(each)) for each in records if each["role"] != "output"}
    return {name: tensor.contiguous().flatten().view(torch.uint8) for name, tensor in read.items()}
