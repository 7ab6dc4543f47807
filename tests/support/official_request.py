"""Judges a request by the official model of its service: a form on the wire, back into parameters.

The models leave some documented limits out; those stand in `documented_limits`.
"""

import base64
import binascii

import regex
from botocore.model import StructureShape
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from documented_limits import beyond_limits

# The one spelling in the models that no engine for Unicode takes: everything above the basic plane.
SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
ABOVE_BASIC_PLANE = r"\U00010000-\U0010FFFF"


class Reader:
    """Reads parameters back from a form: the inverse of botocore's serializer."""

    def __init__(self, serializer, form):
        self.serializer = serializer
        self.flat_lists = type(serializer).__name__ == "EC2Serializer"
        self.left = dict(form)

    def has(self, prefix):
        """Tells whether anything that has not been read stands at a place."""
        return any(key == prefix or key.startswith(prefix + ".") for key in self.left)

    def read(self, shape, prefix):
        """Takes the value at a place out of what is left."""
        if shape.type_name == "structure":
            return self.structure(shape, prefix)
        if shape.type_name == "list":
            return self.list(shape, prefix)
        if shape.type_name == "map":
            raise NotImplementedError(f"{prefix}: nothing that is sent has a map")
        return scalar(shape, self.left.pop(prefix, None))

    def structure(self, shape, prefix):
        value = {}
        for name, member in shape.members.items():
            key = self.serializer._get_serialized_name(member, name)
            key = f"{prefix}.{key}" if prefix else key
            if self.has(key):
                value[name] = self.read(member, key)
        return value

    def list(self, shape, prefix):
        if self.left.get(prefix) == "":
            del self.left[prefix]
            return []
        if not self.flat_lists and not shape.serialization.get("flattened"):
            prefix = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
        value = []
        while self.has(f"{prefix}.{len(value) + 1}"):
            value.append(self.read(shape.member, f"{prefix}.{len(value) + 1}"))
        return value


def scalar(shape, text):
    """Gives a text its type; one that does not have it stays a text, and the validator objects."""
    if shape.type_name in ("integer", "long") and regex.fullmatch(r"-?(0|[1-9]\d*)", text or ""):
        return int(text)
    if shape.type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    if shape.type_name == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
    return text


def walk(shape, value, path):
    """Gives every value inside a value, with its shape and its path."""
    yield shape, value, path
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(shape.members[name], inner, f"{path}.{name}" if path else name)
    elif shape.type_name == "list" and isinstance(value, list):
        for inner in value:
            yield from walk(shape.member, inner, f"{path}[]")


def beyond_model(shape, value, path):
    """Says how a value breaks what botocore leaves to the service: the enumeration, limits and pattern."""
    rules, said = shape.metadata, f"{path}={value!r:.60}"
    size = value if isinstance(value, int) else len(value)
    if "max" in rules and size > rules["max"]:
        yield f"{said}: {size} is more than {rules['max']}"
    if "min" in rules and size < rules["min"]:
        yield f"{said}: {size} is less than {rules['min']}"
    if not isinstance(value, str):
        return
    if shape.enum and value not in shape.enum:
        yield f"{said}: not in the enumeration {shape.name}"
    pattern = rules.get("pattern", "").replace(SURROGATES, ABOVE_BASIC_PLANE)
    if pattern and not regex.fullmatch(pattern, value):
        yield f"{said}: does not fit the pattern {pattern}"


def input_of(operation):
    """Gives the shape of an operation's input; some operations have none, and take no parameter."""
    return operation.input_shape or StructureShape("Nothing", {"type": "structure", "members": {}})


def judge(model, operation, exchange):
    """Returns the problems of a request, and the paths of the members that it sends."""
    form = dict(exchange["form"])
    problems = list(envelope(model, exchange))
    if len(form) != len(exchange["form"]):
        problems.append("a parameter is sent twice")
    sent = {key: text for key, text in form.items() if key not in ("Action", "Version")}
    serializer = create_serializer(model.protocol, include_validation=False)
    reader = Reader(serializer, sent)
    params = reader.read(input_of(operation), "")
    problems += [f"unknown parameter {key}" for key in sorted(reader.left)]
    report = ParamValidator().validate(params, input_of(operation))
    if report.has_errors():
        problems += report.generate_report().splitlines()
        return problems, []
    values = list(walk(input_of(operation), params, ""))
    for shape, value, path in values:
        problems += beyond_model(shape, value, path)
    problems += beyond_limits(operation.name, params, values)
    if not reader.left:
        problems += other_bytes(serializer, operation, params, form)
    scalars = {path for shape, _, path in values if shape.type_name not in ("structure", "list")}
    return problems, sorted(scalars)


def envelope(model, exchange):
    """Checks what stands around the form: method, path, type, and for whom the request is signed."""
    expected = {
        "method": "POST",
        "path": "/",
        "content_type": "application/x-www-form-urlencoded",
        "signed_for": model.signing_name,
    }
    for key, value in expected.items():
        if exchange[key] != value:
            yield f"{key} is {exchange[key]!r} instead of {value!r}"


def other_bytes(serializer, operation, params, form):
    """Compares with what botocore would have sent for the same parameters."""
    body = serializer.serialize_to_request(params, operation)["body"]
    expected = {key: str(value) for key, value in body.items()}
    for key in sorted(form.keys() | expected.keys()):
        if form.get(key) != expected.get(key):
            yield f"{key} is {form.get(key)!r:.60}, botocore sends {expected.get(key)!r:.60}"
