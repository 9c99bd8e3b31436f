"""What the fork server imports before any child: heavy packages, imported and left alone."""

import gc

import tilelang  # noqa: F401
import torch

import tileops_spec.gates.tasks
import tileops_spec.simulate.translate  # noqa: F401

torch.set_num_threads(1)
# What is loaded by now stays: no child's collector looks at it again, or copies its pages by doing so.
gc.collect()
gc.freeze()
