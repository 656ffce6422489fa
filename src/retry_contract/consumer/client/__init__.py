"""Trying the code that makes the call."""
