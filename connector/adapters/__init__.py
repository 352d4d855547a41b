"""The outside world: one module per system and port, vendor words and vendor errors stay inside."""
