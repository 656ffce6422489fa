"""What the tests share."""

from __future__ import annotations

import sys
from pathlib import Path

# The import mode of these tests puts nothing on the path, and benchmarks use the server too.
sys.path.insert(0, str(Path(__file__).parent))
