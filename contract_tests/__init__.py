"""Contract tests of the retry endpoint: one file a section of the page, one test a rule."""
