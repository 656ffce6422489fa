"""The contract as data, and `validator`: jsonschema, which takes a while to import."""
