"""What the kernel can take away from a process, one module a layer.

Each layer is tried where a child starts, and nothing here raises for a machine that lacks one: `probe.layers` says which
hold, and `tospec doctor` prints it. Everything goes through ctypes and the standard library, and imports nothing heavy.
"""
