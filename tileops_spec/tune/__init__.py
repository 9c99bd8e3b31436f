"""Configurations of a body: which there are, which can run, which are worth timing."""
