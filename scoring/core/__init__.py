"""Floor 0: values and decisions. No I/O; the standard library and numpy only."""
