"""`python -m retry_contract`, for machines that refuse unsigned launchers."""

import sys

from retry_contract.cli import main

if __name__ == "__main__":
    sys.exit(main())
