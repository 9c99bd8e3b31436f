"""What the kernel can take away from a process, one module a layer.

Each layer is tried where a child starts, and nothing here raises for a machine that lacks one: `probe.layers` says
which hold, and `tospec doctor` prints it. It takes ctypes and the standard library alone, and imports nothing heavy.
"""
