"""Trying the user's code, what reads the response or makes the call, on both contracts."""
