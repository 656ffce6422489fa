"""Writes an outcome for people and for programs. A reporter never checks."""
