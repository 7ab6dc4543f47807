"""Holds each answer that a client receives against the official model of its service.

A client reads what it knows and skips the rest, so a misspelt element looks like an absent one, and
nothing fails. The judge is that of the suite `official_models`; here it listens to a session.
"""

import official_answer


class Answers:
    """Counts the answers that a session receives, and remembers what is wrong with them."""

    def __init__(self):
        self.count = 0
        self.succeeded = set()
        self.deviations = []
        self.last = None

    def watch(self, events, model_of):
        """Listens to the events of a session or client; `model_of` maps a service id to its model."""

        def received(response_dict, event_name, **_):
            if response_dict is None:
                return
            _, service, operation = event_name.split(".")
            self.check(model_of(service), operation, response_dict)

        events.register("response-received", received)

    def check(self, service, operation, response):
        """Compares one answer with the model of its operation."""
        self.count += 1
        self.last = (service, operation, response)
        place, status = f"{service.signing_name} {operation}", response["status_code"]
        exchange = {"answer": response["body"].decode(), "status": status}
        problems, _ = official_answer.judge(service, service.operation_model(operation), exchange)
        if status < 300:
            self.succeeded.add(place)
        for problem in problems:
            if (line := f"{place}: {problem}") not in self.deviations:
                self.deviations.append(line)
