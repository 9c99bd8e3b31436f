"""Tuning a committed body: what would be timed, timing it, telling about both."""
