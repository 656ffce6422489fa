"""A consumer in Python: one payload a line in, one line back each.

retry-contract consumer --exec "python examples/consumers/reader.py"
"""

import json
import sys

for line in sys.stdin:
    try:
        response = json.loads(line)
        read = {
            "id": response["id"],
            "status": response["latestStatus"],
            "sent": response["updatedAt"],
        }
        print("ok", json.dumps(read), flush=True)
    except Exception as error:
        print("error", type(error).__name__, *str(error).split(), flush=True)
