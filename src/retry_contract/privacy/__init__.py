"""Descriptions instead of content, masks, and the scrubber over everything that is written."""
