"""Descriptions instead of content, masks, and the scrubber of all that is written."""
