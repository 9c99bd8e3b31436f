"""Files as text, and YAML with the place of every node."""
