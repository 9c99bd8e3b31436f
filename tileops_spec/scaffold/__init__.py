"""Everything that templates write around a body: rendering, regions, drift, the lock, publication."""
