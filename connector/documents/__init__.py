"""Documents as files: HTML and PDF in six languages, and the EN 16931 XML, all made from one value.

Exists so that an invoice looks the same wherever it is seen and says the same to people and machines. Pure with regard
to our data: values come in, bytes go out. It must not number, store, send or fetch anything.
"""
