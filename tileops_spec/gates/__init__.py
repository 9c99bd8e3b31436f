"""Checks of a body: each gate gives a verdict, a time and findings; candidates run in child processes."""
