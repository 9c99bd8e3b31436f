"""The device gate: a body on the GPU itself; what it writes there is held against the oracle's bound."""
