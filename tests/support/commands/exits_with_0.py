"""A command that retries a message, logs what went wrong, and ends with 0 whatever that was."""

import os
import sys
import urllib.request

endpoint, campaign, message = (
    os.environ[f"RETRY_CONTRACT_{name}"] for name in ("ENDPOINT", "CAMPAIGN", "MESSAGES")
)
request = urllib.request.Request(
    f"{endpoint}/campaigns/{campaign}/messages/{message}/retry",
    method="POST",
    headers={"Authorization": f"Bearer {os.environ['POSTMAN_API_KEY']}"},
)
try:
    urllib.request.urlopen(request, timeout=0.8).read()
except Exception as error:
    print(error, file=sys.stderr)
