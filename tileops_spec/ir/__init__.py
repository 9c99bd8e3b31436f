"""The typed, resolved form of a spec: frozen nodes, each with its span in the file."""
