"""Answers for one instance of @MODULE@."""

from fnmatch import fnmatchcase
from os import environ

from flask import Flask, abort

HEALTH_PATHS = @HEALTH_PATHS@

# Its own path first. The listener's default action sends to either cluster whatever fits no rule, so both
# answer to both paths.
CLUSTER_PATHS = @CLUSTER_PATHS@

app = Flask(__name__)


@app.get("/", defaults={"rest": ""})
@app.get("/<path:rest>")
def answer(rest):
    path = "/" + rest
    if path in HEALTH_PATHS:
        return "Healthy!"
    if any(fnmatchcase(path, pattern) for pattern in CLUSTER_PATHS):
        return f"Instance {environ['INSTANCE_ID']} is responding now!"
    abort(404)
