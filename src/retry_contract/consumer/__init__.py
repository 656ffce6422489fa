"""Trying a consumer, the user's code that reads the reply, on both contracts."""
