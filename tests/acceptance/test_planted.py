"""Nothing that is planted is seen: half a minute of it. `benchmarks/attacks.py` takes longer."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forking import forker
from support.json_schemas import hold
from support.planted_runs import planted_runs

pytestmark = pytest.mark.slow

SECONDS = 6.0


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_planted_is_seen(seed: int, tmp_path: Path, shell: dict[str, str]) -> None:
    with forker(shell) as started:
        for number, (left, secrets) in enumerate(
            planted_runs(tmp_path, started, shell, seed, SECONDS)
        ):
            assert left.found(*secrets) == {}, (number, left.command, left.texts["stdout"][:3000])
            assert left.code in (0, 1, 2, 3), left.texts["stderr"]
            hold(left.words, left.texts["stdout"], left.folder)
            assert "Traceback" not in left.texts["stderr"], left.texts["stderr"]
