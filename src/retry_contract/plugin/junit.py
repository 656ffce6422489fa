"""junit.xml of `--report DIR`: pytest writes it to a folder of its own, from where it is moved."""

import re
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.junitxml import xml_key

from retry_contract import new_file

_COMMAND = re.compile(rb"##(?=[A-Za-z]*\[)")
"""What the runner of a pipeline obeys, if it prints the file; in XML it is the same text."""


class JunitFile:
    """Has pytest write junit.xml so that no link in the folder of the report is followed."""

    def __init__(self, config: pytest.Config, file: Path) -> None:
        self._config, self._file = config, file

    @pytest.hookimpl(wrapper=True, trylast=True)  # within that of pytest which shows the name
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Move what pytest writes at the end of the session."""
        xml = self._config.stash.get(xml_key, None)
        if xml is None:  # a worker of xdist
            return (yield)
        named = xml.logfile
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder, self._file.name)
            xml.logfile = str(own)
            try:
                result = yield
            finally:
                xml.logfile = named
            new_file.replace(self._file, _COMMAND.sub(b"#&#35;", own.read_bytes()))
        return result
