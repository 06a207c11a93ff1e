"""STS: who a caller is. Signatures are not checked, so everybody is the account's root."""

from __future__ import annotations

from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.requests import Request
from starlette.responses import Response

from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.route53.xml import refusal, refused
from localcloud.route53.zones import ACCOUNT

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


async def _read_form(request: Request) -> JsonObject:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def get_caller_identity(_service: Service, call: Call) -> JsonObject:
    action = call.body.get("Action")
    if action != "GetCallerIdentity":
        raise refused("InvalidAction", f"Could not find operation {action} for version 2011-06-15")
    return {"Arn": f"arn:aws:iam::{ACCOUNT}:root", "UserId": ACCOUNT, "Account": ACCOUNT}


def _answer(result: JsonObject) -> Response:
    root = Element("GetCallerIdentityResponse", {"xmlns": _NAMESPACE})
    content = SubElement(root, "GetCallerIdentityResult")
    for name, value in result.items():
        SubElement(content, name).text = value
    return Response(tostring(root), media_type="text/xml")


METHODS = (
    Method(
        "sts.GetCallerIdentity", "POST", "/", get_caller_identity, reads=_read_form, answers=_answer, refuses=refusal
    ),
)
