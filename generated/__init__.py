"""Operators that tospec generated, one package each: `from generated.gemm import gemm`."""
