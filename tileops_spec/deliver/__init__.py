"""From a spec to files on disk: the phases, and what carries them."""
