"""HTML templates. They receive plain values and hold no query and no arithmetic; text is always escaped."""
