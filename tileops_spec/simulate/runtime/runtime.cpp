// The runtime as one translation unit: compiled once per compiler and cached, linked into every kernel.
#include "dtypes.cpp"
#include "memory.cpp"
#include "tiles.cpp"
#include "gemm.cpp"
#include "async.cpp"
#include "fibers.cpp"
