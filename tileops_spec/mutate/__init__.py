"""Seeded errors, in specs and in bodies: does every check that ought to see one see it?"""
