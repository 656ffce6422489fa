"""The command line: reads options, calls one function, and hands the result to a reporter."""

from retry_contract.cli.main import main

__all__ = ["main"]
