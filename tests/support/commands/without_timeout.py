"""A command that retries a message, and waits for the response as long as it takes."""

import json
import os
import urllib.request

endpoint, campaign, message = (
    os.environ[f"RETRY_CONTRACT_{name}"] for name in ("ENDPOINT", "CAMPAIGN", "MESSAGES")
)
request = urllib.request.Request(
    f"{endpoint}/campaigns/{campaign}/messages/{message}/retry",
    method="POST",
    headers={"Authorization": f"Bearer {os.environ['POSTMAN_API_KEY']}"},
)
with urllib.request.urlopen(request) as response:
    print(json.dumps({"status": json.load(response)["latestStatus"]}))
