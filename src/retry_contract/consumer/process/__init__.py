"""Consumers as processes that answer lines."""
