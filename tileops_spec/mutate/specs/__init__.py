"""Seeded errors in specs: does lint, or a reference, see each?"""
