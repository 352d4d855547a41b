"""The command line: one module per group of commands, each a thin door to use cases. The outermost ring."""
