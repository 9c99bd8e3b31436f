"""Where the threads of a block meet: around tile operators, and around shared memory."""

from __future__ import annotations


def collective(scope, what: str, lines: list[str]) -> None:
    """Emit statements that the threads under the current mask run together, once."""
    if scope.plan.fibers == 1:
        for line in lines:
            scope.emit(line)
        return
    site = scope.site("collective", what)
    participants = scope.plan.participants(scope.mask, what, scope.line)
    scope.emit(f"if (collective_begin({site}, {participants}, fiber)) {{")
    for line in lines:
        scope.emit("    " + line)
    scope.emit(f"    collective_done({site});")
    scope.emit("}")


def soft_sync(scope, needed: bool) -> None:
    """TileLang puts a __syncthreads between statements that share memory: let the other threads catch up."""
    plan = scope.plan
    if not needed or scope.parallel or plan.width != 1 or plan.fibers == 1:
        return
    scope.soft_syncs += 1
    site = scope.site("collective", f"soft barrier {scope.soft_syncs}")
    participants = 0 if scope.mask is None else scope.mask.bit_count()
    scope.emit(f"soft_sync({site}, {participants});")
