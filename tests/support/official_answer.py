"""Judges an answer by the official model of its service: no unknown element, nothing missing, every type right."""

import re
from xml.etree import ElementTree

from botocore.parsers import ResponseParserError, create_parser

# What every action may answer, whatever its model lists (the services' pages of common errors).
COMMON_ERRORS = {
    "AccessDenied": 403,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidParameterValue": 400,
    "MissingParameter": 400,
    "ServiceUnavailable": 503,
    "Throttling": 400,
    "ThrottlingException": 400,
    "ValidationError": 400,
}
# Values that the documentation states beside the model's enumeration: a gateway knows one state only.
DOCUMENTED = {"InternetGateways[].Attachments[].State": {"available"}}
TYPES = {
    "integer": re.compile(r"-?\d+"),
    "long": re.compile(r"-?\d+"),
    "float": re.compile(r"-?\d+(\.\d+)?"),
    "double": re.compile(r"-?\d+(\.\d+)?"),
    "boolean": re.compile(r"true|false"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
}


def tag(node):
    """Returns an element's name without its namespace."""
    return node.tag.rpartition("}")[2]


def judge(model, operation, exchange):
    """Returns the problems of an answer, and the paths of the elements that it has."""
    body, status = exchange["answer"].encode(), exchange["status"]
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        return [f"not XML: {error}"], []
    if status >= 400:
        return list(refusal(model, operation, root, status)), []
    reading = Reading()
    reading.envelope(model, operation, root)
    response = {"body": body, "headers": {}, "status_code": status}
    try:
        parsed = create_parser(model.protocol).parse(response, operation.output_shape)
    except (ResponseParserError, ValueError, KeyError, TypeError) as error:
        reading.problems.append(f"botocore cannot read it: {error!r}")
        return reading.problems, []
    if not parsed["ResponseMetadata"].get("RequestId"):
        reading.problems.append("it has no request id")
    return reading.problems, sorted(reading.paths)


class Reading:
    """A walk over an answer along the model."""

    def __init__(self):
        self.problems, self.paths = [], set()

    def envelope(self, model, operation, root):
        """Checks the outer elements, and walks what they hold."""
        shape, is_ec2 = operation.output_shape, model.protocol == "ec2"
        self.expect(tag(root) == f"{operation.name}Response", f"the root is {tag(root)}")
        namespace = root.tag.partition("}")[0].lstrip("{")
        official = model.metadata["xmlNamespace"]
        self.expect(namespace.rstrip("/") == official.rstrip("/"), f"the namespace is {namespace!r}")
        if is_ec2:
            inner = self.without("requestId", list(root))
            # What has nothing else to say says that it is true.
            inner = inner if shape else self.without("return", inner)
        else:
            wrapper = shape.serialization.get("resultWrapper") if shape else None
            outer = [tag(node) for node in root]
            expected = [wrapper, "ResponseMetadata"] if wrapper else ["ResponseMetadata"]
            self.expect(outer in (expected, ["ResponseMetadata"]), f"the elements are {outer}")
            inner = [child for node in root if tag(node) == wrapper for child in node]
        if shape:
            self.structure(shape, inner, "")
        else:
            self.expect(not inner, "it has a result, the model has none")

    def expect(self, condition, otherwise):
        if not condition:
            self.problems.append(otherwise)

    def without(self, name, nodes):
        """Returns the elements but the one of this name, which must be there once."""
        rest = [node for node in nodes if tag(node) != name]
        self.expect(len(rest) == len(nodes) - 1, f"{len(nodes) - len(rest)} elements {name}")
        return rest

    def node(self, shape, node, path):
        if shape.type_name == "structure":
            self.structure(shape, list(node), path)
        elif shape.type_name == "list":
            name = shape.member.serialization.get("name", "member")
            for child in node:
                self.expect(tag(child) == name, f"{path}: {tag(child)} in a list of {name}")
                self.node(shape.member, child, f"{path}[]")
        elif shape.type_name == "map":
            self.problems.append(f"{path}: nothing that is answered has a map")
        else:
            self.scalar(shape, node, path)

    def structure(self, shape, nodes, path):
        members = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        seen = set()
        for node in nodes:
            name = members.get(tag(node))
            if name is None:
                self.problems.append(f"{path}: unknown element {tag(node)}")
                continue
            self.expect(name not in seen, f"{path}.{name}: is there twice")
            seen.add(name)
            self.node(shape.members[name], node, f"{path}.{name}" if path else name)
        for name in set(shape.required_members) - seen:
            self.problems.append(f"{path}: {name} is missing")

    def scalar(self, shape, node, path):
        self.paths.add(path)
        text = node.text or ""
        pattern = TYPES.get(shape.type_name)
        self.expect(len(node) == 0, f"{path}: elements inside a {shape.type_name}")
        if pattern:
            self.expect(pattern.fullmatch(text), f"{path}={text!r:.60}: not a {shape.type_name}")
        if shape.type_name == "string" and shape.enum:
            known = text in shape.enum or text in DOCUMENTED.get(path, ())
            self.expect(known, f"{path}={text!r:.60}: not in the enumeration {shape.name}")


def refusal(model, operation, root, status):
    """Checks an error: its envelope, and where the model lists the action's errors, code and status."""
    is_ec2 = model.protocol == "ec2"
    envelope = ("Response", "Errors/Error", "RequestID") if is_ec2 else ("ErrorResponse", "Error", "RequestId")
    bare = strip_namespace(root)
    error = bare.find(envelope[1])
    if tag(bare) != envelope[0] or error is None or not bare.findtext(envelope[2]):
        yield "not the envelope of an error"
        return
    code = error.findtext("Code")
    if not code or error.findtext("Message") is None:
        yield "an error without code or message"
    if is_ec2:
        return
    if error.findtext("Type") not in ("Sender", "Receiver"):
        yield f"the type of an error is {error.findtext('Type')!r}"
    listed = dict(COMMON_ERRORS)
    for shape in operation.error_shapes:
        details = shape.metadata.get("error", {})
        listed[details.get("code", shape.name)] = details.get("httpStatusCode", status)
    if listed.get(code) != status:
        yield f"{code} with status {status}; the model lists {sorted(listed.items())}"


def strip_namespace(root):
    """Returns the same elements without namespaces, so that they can be found by name."""
    for node in root.iter():
        node.tag = tag(node)
    return root
