"""The command's own process: `retry-contract`, or `python -m retry_contract`.

The latter is for machines that do not allow unsigned launchers.
"""

import gc
import sys

from retry_contract import environment
from retry_contract._version import __version__
from retry_contract.cli.interrupts import ignore_from_now_on, leave_at_once


def main() -> int:
    """Run the command line, and return its exit code."""
    if sys.argv[1:] == ["--version"]:  # needs none of the imports below
        print(f"retry-contract {__version__}")
        return 0
    environment.isolate()
    leave_at_once()
    gc.disable()  # until what stays is imported: collecting takes a third of the start
    if sys.argv[0].endswith("__main__.py") and not sys.flags.safe_path:
        del sys.path[0]  # the user's folder, by `python -m`: it may contain a queue.py
    # Imported only now, because it takes the longest, and Ctrl-C may come meanwhile.
    from retry_contract.cli import main as command_line

    try:
        return command_line.main()
    finally:
        ignore_from_now_on()
        gc.freeze()  # else Python looks through all that was imported before it ends


if __name__ == "__main__":
    sys.exit(main())
