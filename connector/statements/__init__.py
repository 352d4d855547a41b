"""Files of banks: bytes in one of four formats become statements as the domain knows them.

Exists so that whatever a bank sends is read with limits and refused in words, never half. Nothing here books, stores
or asks anything; each format is one module, `reading` finds out which one a file is.
"""
