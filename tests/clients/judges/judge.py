"""Judges what is sent to services by the vendors' own models, and signatures by Slack's own code.

Called with a file of cases; prints the problems of each case by judge, and what Slack's code signed.
"""

import json
import logging
import sys

from opsgenie_sdk.api.alert.close_alert_payload import CloseAlertPayload
from opsgenie_sdk.api.alert.create_alert_payload import CreateAlertPayload
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import Clock, SignatureVerifier

warnings = []


class Heard(logging.Handler):
    def emit(self, record):
        warnings.append(record.getMessage())


logging.getLogger().addHandler(Heard(logging.WARNING))


def same(sent, understood):
    return [] if sent == understood else [f"understood was {json.dumps(understood)}"]


def blocks(sent):
    # `to_dict` validates, and leaves out what the model does not know.
    return same(sent, [block.to_dict() for block in Block.parse_all(sent)])


def view(sent):
    return same(sent, View(**sent).to_dict())


TYPES = {
    "str": lambda value: isinstance(value, str),
    "list[str]": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "dict(str, str)": lambda value: isinstance(value, dict) and all(isinstance(v, str) for v in value.values()),
}


def model(of, sent):
    """By the tables of names and types in a model that was made from the vendor's description."""
    by_name = {json_name: name for name, json_name in of.attribute_map.items()}
    problems = [f"{name} is not known" for name in sent if name not in by_name]
    known = {by_name[name]: value for name, value in sent.items() if name in by_name}
    for name, value in known.items():
        wanted = of.openapi_types[name]
        if not TYPES[wanted](value):
            problems.append(f"{name} is no {wanted}")
    of(**known)
    return problems


class Stopped(Clock):
    def __init__(self, time):
        self.time = time

    def now(self):
        return self.time


def signature(sent):
    verifier = SignatureVerifier(sent["secret"], Stopped(sent["now"]))
    good = verifier.is_valid_request(sent["body"], sent["headers"])
    return [] if good else ["the signature is refused"]


JUDGES = {
    "chat.postMessage": ("slack_sdk", lambda body: blocks(body["blocks"])),
    "chat.update": ("slack_sdk", lambda body: blocks(body["blocks"])),
    "views.open": ("slack_sdk", lambda body: view(body["view"])),
    "signature": ("slack_sdk", signature),
    "alert": ("opsgenie-sdk", lambda body: model(CreateAlertPayload, body)),
    "close": ("opsgenie-sdk", lambda body: model(CloseAlertPayload, body)),
}


def judged(judge, body):
    warnings.clear()
    try:
        return judge(body) + list(warnings)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
verdicts = {}
for case in cases:
    verdicts[case["name"]] = {}
    if case["kind"] in JUDGES:
        name, judge = JUDGES[case["kind"]]
        verdicts[case["name"]][name] = judged(judge, case["body"])
    if case["kind"] == "to_sign":
        sent = case["body"]
        signed = SignatureVerifier(sent["secret"]).generate_signature(timestamp=sent["time"], body=sent["body"])
        verdicts[case["name"]]["signed"] = [signed]
print(json.dumps(verdicts))
