"""Seeded errors in kernel bodies: which gate rejects each, and what a fixed tolerance would have said."""
