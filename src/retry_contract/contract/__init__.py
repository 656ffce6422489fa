"""The contract as data, and the one validator of a payload.

`timeline` and `catalogue` read only JSON; `check` brings jsonschema, and is imported when a
payload is checked.
"""
