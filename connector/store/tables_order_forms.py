"""Order forms: signed documents, what was read from them, the tie-out."""
