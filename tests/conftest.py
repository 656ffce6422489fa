"""What the tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis

# The import mode of these tests puts nothing on the path, and benchmarks use the server too.
sys.path.insert(0, str(Path(__file__).parent))

# A run says that it does not use a .netrc, and whoever runs the tests may have one.
os.environ["NETRC"] = os.devnull

hypothesis.settings.register_profile(
    "tests", derandomize=True, deadline=None, database=None, max_examples=30
)
hypothesis.settings.load_profile("tests")
