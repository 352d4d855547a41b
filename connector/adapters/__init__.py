"""The outside world: each adapter turns a port's words into a vendor's, and the vendor's errors into ours.

Nothing here decides anything about business; only this package imports vendors' libraries.
"""
