"""AWS's XML: bodies in, answers and errors out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, XMLParser, tostring

from starlette.requests import Request
from starlette.responses import Response

from localcloud.errors import ApiError, Problem
from localcloud.faults import Rule

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
_HEADER = b'<?xml version="1.0"?>\n'

# What AWS says where a rule of faults names a code of HTTP: its throttle is a 400, and 408 stands for the other refusal
# that comes before anything is done.
_FAULTS = {
    401: (403, "InvalidClientTokenId", "The security token included in the request is invalid"),
    403: (400, "Throttling", "Rate exceeded"),
    408: (
        400,
        "PriorRequestNotComplete",
        "The request was rejected because Route 53 was still processing a prior one.",
    ),
    429: (400, "Throttling", "Rate exceeded"),
    500: (500, "InternalFailure", "We encountered an internal error. Please try again."),
    502: (502, "", "<html><head><title>502 Bad Gateway</title></head></html>"),
    503: (503, "ServiceUnavailable", "Service is unavailable. Please try again."),
    504: (504, "", "<html><head><title>504 Gateway Time-out</title></head></html>"),
}
_DENIED = (403, "AccessDenied", "User is not authorized to perform this operation")


async def read_xml(request: Request) -> dict[str, Any]:
    """The body as `{"xml": ELEMENT}`, its tags without their namespace. Raises ApiError 400 for what is no XML."""
    raw = await request.body()
    if not raw:
        return {}
    parser = XMLParser()  # noqa: S314 - a document type, in which entities could be declared, is refused below
    if b"<!DOCTYPE" in raw:
        raise refused("MalformedInput", "Document types are not accepted")
    try:
        parser.feed(raw)
        root = parser.close()
    except ParseError as error:
        raise refused("MalformedInput", f"Unexpected element: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return {"xml": root}


def refused(code: str, message: str, *, status: int = 400) -> ApiError:
    """An error of AWS."""
    return ApiError(status, [Problem(code, message)])


def answer(result: Mapping[str, Any]) -> Response:
    """The response to what a method returned: `{ROOT: CONTENT}`, and `status` where it is not 200."""
    (root, content), *_ = ((name, value) for name, value in result.items() if name != "status")
    element = Element(root, {"xmlns": NAMESPACE})
    _fill(element, content)
    return _xml(element, int(result.get("status", 200)))


def refusal(error: ApiError) -> Response:
    """The response to an error of a method."""
    return _error(error.code, error.problems[0].reason, error.problems[0].message)


def fault(rule: Rule, headers: Mapping[str, str]) -> Response:
    """The response to a call that a rule of faults hits."""
    status, code, message = _FAULTS[rule.status or 0]
    if rule.status == 403 and rule.reason in ("forbidden", "quotaExceeded"):
        status, code, message = _DENIED
    made = _error(status, code, message) if code else Response(message, status, media_type="text/html")
    made.headers.update(headers)
    return made


def _error(status: int, code: str, message: str) -> Response:
    kind = "Sender" if status < 500 else "Receiver"
    element = Element("ErrorResponse", {"xmlns": NAMESPACE})
    error = {"Type": kind, "Code": code, "Message": message}
    _fill(element, {"Error": error, "RequestId": str(uuid.uuid4())})
    return _xml(element, status)


def _fill(element: Element, content: Any) -> None:
    """Children of a mapping by its keys; of a list of pairs, several of one name; text of anything else."""
    if isinstance(content, Mapping):
        content = list(content.items())
    if isinstance(content, Sequence) and not isinstance(content, str):
        for name, value in content:
            if value is not None:
                _fill(SubElement(element, name), value)
    else:
        element.text = str(content).lower() if isinstance(content, bool) else str(content)


def _xml(element: Element, status: int) -> Response:
    return Response(_HEADER + tostring(element), status, media_type="text/xml")
