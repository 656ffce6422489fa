"""Trying code that makes the call."""
