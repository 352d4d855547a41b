"""Statement files of banks: each format in several dialects, and what is refused."""
