"""A process that publishes and can be told to die: `publisher.py ROOT VERSION [STEP]` kills itself before a step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tileops_spec.scaffold.lock import Entry
from tileops_spec.scaffold.publish import publish


def content(version: str) -> dict[str, str]:
    """Files that all name one version, so that a mixture shows."""
    return {f"generated/op/{name}.py": f"# {version} {name}\n" * 50 for name in ("kernel", "op", "test_op", "bench_op")}


def entry(version: str) -> Entry:
    return Entry(contract=version, body=version, templates=version, provider="test")


def main() -> None:
    root, version, *rest = sys.argv[1:]
    step = int(rest[0]) if rest else -1
    passed = 0

    def checkpoint(name: str) -> None:
        nonlocal passed
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    publish(Path(root), content(version), entries={"op": entry(version)}, checkpoint=checkpoint)
    print(passed)


if __name__ == "__main__":
    main()
