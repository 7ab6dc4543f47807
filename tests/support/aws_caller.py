"""Makes AWS calls with boto3 for a test that is written in Rust.

One JSON object a line on standard input: {"service", "operation", "params"}; one line back:
{"answer": ...} with every page of a list merged, or {"error": {"code", "message", "status"}}.
The arguments are the endpoint and the region. Nothing is retried: a test wants the first answer.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

CONFIG = Config(
    region_name=sys.argv[2],
    retries={"total_max_attempts": 1},
    parameter_validation=True,
    connect_timeout=5,
    read_timeout=30,
)


def client(service, endpoint, clients={}):
    """Returns the client of a service, made once."""
    if service not in clients:
        clients[service] = boto3.client(
            service,
            endpoint_url=endpoint,
            config=CONFIG,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
    return clients[service]


def call(endpoint, request):
    """Makes one call, or all the calls of a paginated list."""
    aws = client(request["service"], endpoint)
    operation, params = request["operation"], request.get("params", {})
    if aws.can_paginate(operation):
        return aws.get_paginator(operation).paginate(**params).build_full_result()
    answer = getattr(aws, operation)(**params)
    answer.pop("ResponseMetadata", None)
    return answer


def answer(endpoint, request):
    """Words the outcome of a call as a JSON value."""
    try:
        return {"answer": call(endpoint, request)}
    except ClientError as error:
        wire = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"error": {"code": wire["Code"], "message": wire["Message"], "status": status}}
    except ParamValidationError as error:
        return {"error": {"code": "ParamValidation", "message": str(error), "status": 0}}


for line in sys.stdin:
    print(json.dumps(answer(sys.argv[1], json.loads(line)), default=str), flush=True)
