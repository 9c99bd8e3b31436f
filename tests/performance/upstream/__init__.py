"""Runs of TileLang's own examples in the simulator: a table of kernels, arguments and references in torch."""
