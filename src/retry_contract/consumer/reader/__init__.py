"""Trying code that reads the response."""
