"""First versions of specs: from a template of their class, or from the signature of a torch function."""
