"""What the fork server imports before any child: heavy packages, imported and left alone."""

import tilelang  # noqa: F401
import torch

torch.set_num_threads(1)
