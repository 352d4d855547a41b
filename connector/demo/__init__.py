"""`countersign demo`: the whole way of a deal on one machine, with nothing but this package.

Starts the sandbox Salesforce, the web server and the worker as processes of their own, signs the deals of the demo
story as a sales rep would, and watches through the product's own API until each deal is where it must be. It looks at
the product from outside only: no decision about orders may live here.
"""
