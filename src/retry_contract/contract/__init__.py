"""The contract as data, and the one judge of a payload.

`timeline` and `catalogue` read only JSON; `judge` brings jsonschema, and is imported when a
payload is judged.
"""
