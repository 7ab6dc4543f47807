"""Judges exchanges with AWS by botocore's copies of the official service models.

One exchange a line on standard input, as JSON; one verdict a line on standard output, in the same order:
{"service", "action", "request": problems, "answer": problems, "sent": member paths, "answered": member
paths, "members": top-level members of the action}. Nothing leaves the machine.
"""

import json
import sys
from urllib.parse import parse_qsl

import botocore.session

import official_answer
import official_request

# The services by the version that stands in every request: each has one of its own.
SERVICES = {
    "2016-11-15": "ec2",
    "2015-12-01": "elbv2",
    "2011-01-01": "autoscaling",
    "2011-06-15": "sts",
}
SESSION = botocore.session.get_session()
MODELS = {
    version: SESSION.get_service_model(name, api_version=version) for version, name in SERVICES.items()
}


def judge(exchange):
    """Words the verdict on one exchange."""
    exchange["form"] = parse_qsl(exchange["body"], keep_blank_values=True, strict_parsing=True)
    form = dict(exchange["form"])
    version, action = form.get("Version"), form.get("Action")
    verdict = {
        "service": SERVICES.get(version, ""),
        "action": action,
        "request": [],
        "answer": [],
        "sent": [],
        "answered": [],
        "members": [],
    }
    model = MODELS.get(version)
    if model is None:
        verdict["request"] = [f"no service has the version {version}"]
        return verdict
    if action not in model.operation_names:
        verdict["request"] = [f"{verdict['service']} has no action {action}"]
        return verdict
    operation = model.operation_model(action)
    verdict["members"] = list(official_request.input_of(operation).members)
    verdict["request"], verdict["sent"] = official_request.judge(model, operation, exchange)
    if exchange["answer"] is not None:
        verdict["answer"], verdict["answered"] = official_answer.judge(model, operation, exchange)
    return verdict


for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))))
