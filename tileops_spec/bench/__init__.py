"""Benchmarks: timing on a GPU, results, their rendering."""
