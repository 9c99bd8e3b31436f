"""Where bodies come from: one small protocol, one file a provider."""
