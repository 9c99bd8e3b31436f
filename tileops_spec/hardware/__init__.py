"""Targets, and which of their features a spec can use."""

from .check import check_hardware
from .features import FEATURES, Feature, derive_features
from .targets import TARGETS, Target

__all__ = ["FEATURES", "TARGETS", "Feature", "Target", "check_hardware", "derive_features"]
