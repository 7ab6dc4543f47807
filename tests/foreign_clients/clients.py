"""Two clients that other people wrote, with the same few verbs: boto3, and the AWS CLI.

Both are used as they are installed, with what `lab1-flow cloud env` tells a shell. Nothing is retried: a
test wants the first answer.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys

import boto3
from awscli.clidriver import create_clidriver
from botocore.config import Config
from botocore.exceptions import ClientError

SERVICES = ("ec2", "elbv2", "autoscaling", "sts")

# How the command line words what a service has refused.
REFUSAL = re.compile(r"An error occurred \((\S+)\) when calling the .*? operation.*?: (.*)", re.S)


class Refused(Exception):
    """The service has answered with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Boto3:
    """boto3, with answers that are checked on their way."""

    def __init__(self, answers, retries=None):
        config = Config(
            retries=retries or {"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
        )
        make = boto3.session.Session().client
        self.clients = {name: make(name, config=config) for name in SERVICES}
        for client in self.clients.values():
            model = client.meta.service_model
            answers.watch(client.meta.events, lambda _, model=model: model)

    def call(self, service, operation, **params):
        """Makes one call."""
        with self._refusals():
            answer = getattr(self.clients[service], operation)(**params)
        answer.pop("ResponseMetadata")
        return answer

    def whole_list(self, service, operation, size, **params):
        """Reads a list in pages of so many entries."""
        paginator = self.clients[service].get_paginator(operation)
        with self._refusals():
            pages = paginator.paginate(**params, PaginationConfig={"PageSize": size})
            return pages.build_full_result()

    @contextlib.contextmanager
    def _refusals(self):
        try:
            yield
        except ClientError as error:
            told = error.response["Error"]
            raise Refused(told["Code"], told["Message"]) from error


class AwsCli:
    """The AWS CLI. One interpreter serves all commands: starting one costs most of a second."""

    def __init__(self, answers):
        os.environ.update(
            AWS_MAX_ATTEMPTS="1",
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        )
        self.driver = create_clidriver()
        session = self.driver.session
        models = {}
        for name in SERVICES:
            model = session.get_service_model(name)
            models[model.service_id.hyphenize()] = model
        answers.watch(session, models.__getitem__)
        self._start_one()

    def _start_one(self):
        """Runs one command in a process of its own, as a person does."""
        command = [sys.executable, "-m", "awscli", "sts", "get-caller-identity", "--output", "json"]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(ended.stdout)["Account"] == "000000000000", ended.stdout

    def call(self, service, operation, **params):
        """Runs one command; by itself it reads a list to its end."""
        return self._run(service, operation, params)

    def whole_list(self, service, operation, size, **params):
        """Reads a list in pages of so many entries.

        Where a service's own parameter is named `--page-size` too, the command stops after one page
        and tells the marker of the next.
        """
        flags = ["--page-size", str(size)]
        whole = answer = self._run(service, operation, params, *flags)
        while marker := answer.pop("NextMarker", None):
            answer = self._run(service, operation, params, *flags, "--marker", marker)
            for key in whole.keys() & answer.keys():
                whole[key] += answer[key]
        return whole

    def _run(self, service, operation, params, *flags):
        command = [service, operation.replace("_", "-"), "--output", "json", *flags]
        if params:
            command += ["--cli-input-json", json.dumps(params)]
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            status = self.driver.main(command)
        if status == 0:
            return json.loads(stdout.getvalue() or "{}")
        if told := REFUSAL.search(stderr.getvalue()):
            raise Refused(*told.groups())
        raise RuntimeError(f"aws {' '.join(command)} ended with {status}: {stderr.getvalue()}")
