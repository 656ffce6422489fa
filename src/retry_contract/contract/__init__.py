"""The contract as data, and the one validator of a payload.

`timeline` and `catalogue` read JSON alone. `validator` imports jsonschema, which takes a while.
"""
