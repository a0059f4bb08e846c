"""Keeps generated requests from leaving this machine and from revoking the key they are made with."""

import os
import re

import schemathesis

RECEIVER = os.environ["CONTRACT_RECEIVER"]
OWN_KEY_ID = os.environ["CONTRACT_API_KEY"].split("_")[1]

# A URL that would be taken; others are refused and need no change.
GOOD_URL = re.compile(r"https?://[^\s\\/@#?]+([/?][^\s\\#]*)?", re.IGNORECASE)


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("url"), str) and 10 <= len(body["url"]) <= 2048:
        found = GOOD_URL.fullmatch(body["url"])
        if found:
            case.body = {**body, "url": RECEIVER + (found.group(1) or "/")}
    if case.method == "DELETE" and (case.path_parameters or {}).get("id") == OWN_KEY_ID:
        case.path_parameters = {**case.path_parameters, "id": "0000000000"}
