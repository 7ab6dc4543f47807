"""Holds each answer on the wire against the service model of botocore.

A client reads what it knows and skips the rest, so a misspelt element looks like an absent one, and
nothing fails. Here an element that the model does not name is a deviation, and so are a missing
required member, a value outside of its enumeration, a number or time that cannot be read, and an error
code that the operation does not have.
"""

import xml.etree.ElementTree as ElementTree

from botocore.utils import parse_timestamp

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"

# What any action of the two query services may answer; the models list only an action's own errors.
COMMON_ERRORS = {
    "InternalFailure",
    "InvalidAction",
    "ServiceUnavailable",
    "Throttling",
    "ValidationError",
}

# Where AWS itself answers what its model does not have: the documentation says "available" in words.
KNOWN_VALUES = {
    ("ec2 DescribeInternetGateways.InternetGateways[].Attachments[].State", "available"),
}


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
        place = f"{service.signing_name} {operation}"
        try:
            root = ElementTree.fromstring(response["body"])
        except ElementTree.ParseError as error:
            self.complain(place, f"not XML: {error}")
            return
        model = service.operation_model(operation)
        if response["status_code"] >= 300:
            self._error(place, service, model, root)
        else:
            self.succeeded.add(place)
            self._success(place, service, model, root)

    def complain(self, place, what):
        """Remembers a deviation, once."""
        if (line := f"{place}: {what}") not in self.deviations:
            self.deviations.append(line)

    def _success(self, place, service, model, root):
        is_ec2 = service.metadata["protocol"] == "ec2"
        expected = EC2_NAMESPACE if is_ec2 else service.metadata["xmlNamespace"]
        if root.tag != f"{{{expected}}}{model.name}Response":
            self.complain(place, f"the root is {root.tag}")
        shape, body = model.output_shape, list(root)
        if is_ec2:
            body = self._without(place, body, "requestId")
            if shape is None:
                body = self._without(place, body, "return")
        else:
            body = self._without(place, body, "ResponseMetadata")
            wrapper = shape.serialization.get("resultWrapper") if shape else f"{model.name}Result"
            found = [local(child) for child in body]
            if found != [wrapper] and (found or shape is not None):
                self.complain(place, f"not only {wrapper}: {found}")
            body = [inner for child in body for inner in child]
        if shape is not None:
            self._structure(place, shape, body)
        elif body:
            self.complain(place, f"content without a model: {[local(child) for child in body]}")

    def _error(self, place, service, model, root):
        if service.metadata["protocol"] == "ec2":
            error, request_id = root.find("Errors/Error"), root.find("RequestID")
            if local(root) != "Response" or error is None or request_id is None:
                self.complain(place, "not an error of EC2")
            return
        names = {local(child): child for child in root}
        if local(root) != "ErrorResponse" or set(names) != {"Error", "RequestId"}:
            self.complain(place, f"not an error of a query service: {sorted(names)}")
            return
        told = {local(child): child.text for child in names["Error"]}
        if set(told) != {"Type", "Code", "Message"} or told["Type"] not in ("Sender", "Receiver"):
            self.complain(place, f"an error with {told}")
        own = {shape.error_code for shape in model.error_shapes}
        if told.get("Code") not in own | COMMON_ERRORS:
            self.complain(place, f"the error {told.get('Code')} is none of {sorted(own)}")

    def _without(self, place, elements, name):
        rest = [child for child in elements if local(child) != name]
        if len(rest) != len(elements) - 1:
            self.complain(place, f"{len(elements) - len(rest)} elements {name}")
        return rest

    def _structure(self, place, shape, elements):
        known = {wire_name(name, member): (name, member) for name, member in shape.members.items()}
        seen = set()
        for element in elements:
            tag = local(element)
            if tag not in known:
                self.complain(place, f"unknown element {tag}")
                continue
            name, member = known[tag]
            if name in seen and not is_flat(member):
                self.complain(place, f"{tag} twice")
            seen.add(name)
            self._value(f"{place}.{name}", member, element)
        for name in set(shape.required_members) - seen:
            self.complain(place, f"required {name} is missing")

    def _value(self, place, shape, element):
        if shape.type_name == "structure":
            self._structure(place, shape, list(element))
        elif shape.type_name == "list":
            entry = shape.member.serialization.get("name", "member")
            for child in element:
                if local(child) != entry:
                    self.complain(place, f"an entry {local(child)} instead of {entry}")
                self._value(f"{place}[]", shape.member, child)
        elif shape.type_name == "map":
            self.complain(place, "a map, which is not expected in these services")
        else:
            self._scalar(place, shape, element)

    def _scalar(self, place, shape, element):
        text = element.text or ""
        enum = getattr(shape, "enum", None) or [text]
        if len(element):
            self.complain(place, "elements inside of a plain value")
        elif shape.type_name == "boolean" and text not in ("true", "false"):
            self.complain(place, f"{text!r} is no truth value")
        elif text not in enum and (place, text) not in KNOWN_VALUES:
            self.complain(place, f"{text!r} is none of {enum}")
        try:
            if shape.type_name in ("integer", "long"):
                int(text)
            elif shape.type_name in ("float", "double"):
                float(text)
            elif shape.type_name == "timestamp":
                parse_timestamp(text)
        except ValueError:
            self.complain(place, f"{text!r} is no {shape.type_name}")


def local(element):
    """Returns an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def is_flat(shape):
    """Tells whether a list's entries stand where the list would."""
    return shape.type_name == "list" and shape.serialization.get("flattened", False)


def wire_name(name, shape):
    """Returns the name of the element that carries a member."""
    if is_flat(shape):
        return shape.member.serialization.get("name", name)
    return shape.serialization.get("name", name)
