"""The DSL as an untyped syntax tree."""
