"""Lets `import httpx` give httpx2 in each process that has this folder on its PYTHONPATH."""

import httpx2

httpx2.alias_httpx()
