"""Seeded errors: does every check that ought to see one see it?"""
