"""A command that retries a message: it ends with 0 if the retry was accepted, else with 1."""

import json
import os
import sys
import urllib.error
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
    with urllib.request.urlopen(request, timeout=0.8) as response:
        print(json.dumps({"status": json.load(response)["latestStatus"]}))
except urllib.error.HTTPError as error:
    sys.exit(f"status {error.code}")
