"""One suite for each port: what every adapter of it must keep."""
