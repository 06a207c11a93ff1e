"""Held against Google's own description of the API, as google-api-python-client ships it.

Every method of Cloud DNS and Resource Manager is either ours, and then its answer fits the schema, or refused with 501.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import googleapiclient.discovery_cache
import pytest

from localcloud.app import METHODS

DOCUMENTS = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
DOCUMENT_NAMES = ("dns.v1", "cloudresourcemanager.v3", "cloudresourcemanager.v1")


def load(name: str) -> dict[str, Any]:
    return json.loads((DOCUMENTS / f"{name}.json").read_text())


def walk(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from walk(child)


SPECIFICATIONS = {name: load(name) for name in DOCUMENT_NAMES}
GOOGLE = {(name, method["id"]): method for name, document in SPECIFICATIONS.items() for method in walk(document)}


def shape(path: str) -> str:
    """A path with its parameters' names and kinds taken out."""
    return re.sub(r"\{[^}]*\}", "{}", "/" + path.lstrip("/"))


NOT_GOOGLE_S = ("localcloud.", "route53.", "sts.GetCallerIdentity")
OURS = {(method.verb, shape(method.path)): method for method in METHODS if not method.id.startswith(NOT_GOOGLE_S)}


def ours(method: dict[str, Any]) -> Any:
    return OURS.get((method["httpMethod"], shape(method.get("flatPath", method["path"]))))


def test_every_method_of_ours_is_google_s_under_its_own_name():
    # Of these three it takes what a token needs and claims no more. OAuth's own endpoint is in none of them.
    for_tokens = [walk(load(name)) for name in ("iam.v1", "iamcredentials.v1", "sts.v1")]
    # Nor of what finds workers; this document's paths begin below the service's.
    compute = [{**method, "flatPath": f"compute/v1/{method['path']}"} for method in walk(load("compute.v1"))]
    methods = itertools.chain(GOOGLE.values(), *for_tokens, compute, walk(load("container.v1")))
    google = {(m["httpMethod"], shape(m.get("flatPath", m["path"]))): m["id"] for m in methods}
    google["POST", "/token"] = "oauth2.token"
    google["GET", "/api/v1/namespaces/{}/pods"] = "kubernetes.pods.list"  # Kubernetes' own
    assert {key: google.get(key) for key in OURS} == {key: method.id for key, method in OURS.items()}


IMPLEMENTED = {
    "dns.projects": ["get"],
    "dns.managedZones": [
        *("create", "list", "get", "delete", "patch", "update"),
        *("getIamPolicy", "setIamPolicy", "testIamPermissions"),
    ],
    "dns.managedZoneOperations": ["get", "list"],
    "dns.changes": ["create", "get", "list"],
    "dns.resourceRecordSets": ["list", "create", "get", "patch", "delete"],
    "cloudresourcemanager.projects": ["get", "getIamPolicy", "setIamPolicy", "testIamPermissions"],
}
IMPLEMENTED_IDS = {f"{resource}.{verb}" for resource, verbs in IMPLEMENTED.items() for verb in verbs}


def test_what_is_implemented():
    assert {method["id"] for method in GOOGLE.values() if ours(method)} == IMPLEMENTED_IDS


@pytest.mark.parametrize("key", [key for key, method in GOOGLE.items() if not ours(method)], ids=" ".join)
def test_every_other_method_answers_501(api, key):
    method = GOOGLE[key]
    path = "/" + re.sub(r"\{[^}]*\}", "x", method.get("flatPath", method["path"]))
    body = {} if method["httpMethod"] in ("POST", "PUT", "PATCH") else None
    answer = api.call(method["httpMethod"], path, body)
    assert answer.problem == (501, "notImplemented", f"localcloud does not implement {method['httpMethod']} {path}.")


# The checks of a value against its schema.
INTEGERS = {"int32": range(-(2**31), 2**31), "uint32": range(2**32)}
TEXT_FORMATS = {
    "uint64": r"\d{1,20}",
    "int64": r"-?\d{1,19}",
    "byte": r"[A-Za-z0-9+/_-]*={0,2}",
    "google-datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
}


def mismatches(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> Iterator[str]:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema["type"]
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no object"
            return
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            if key not in properties and more is None:
                yield f"{where}.{key}: not in the schema"
            else:
                yield from mismatches(item, properties.get(key, more), schemas, f"{where}.{key}")
        kind_field = properties.get("kind", {}).get("default")
        if kind_field is not None and value.get("kind", kind_field) != kind_field:
            yield f"{where}.kind: {value['kind']} is not {kind_field}"
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{where}: {value!r} is no array"
            return
        for position, item in enumerate(value):
            yield from mismatches(item, schema["items"], schemas, f"{where}[{position}]")
    elif not fits(value, schema):
        yield f"{where}: {value!r} is not {schema}"


def fits(value: Any, schema: dict[str, Any]) -> bool:
    kind, format_ = schema["type"], schema.get("format")
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and value in INTEGERS[format_]
    if kind == "string":
        text_fits = format_ not in TEXT_FORMATS or re.fullmatch(TEXT_FORMATS[format_], str(value)) is not None
        return isinstance(value, str) and text_fits and value in schema.get("enum", [value])
    return kind == "any"


# What Google's answers always hold, from recorded traffic; the documents do not say which fields are required.
REQUIRED = {
    "Project": {"kind", "id", "number", "quota"},
    "ManagedZone": {"kind", "id", "name", "dnsName", "description", "creationTime", "nameServers", "visibility"},
    "ManagedZonesListResponse": {"kind", "managedZones"},
    "Operation": {"kind", "id", "startTime", "status", "type", "user", "zoneContext"},
    "ManagedZoneOperationsListResponse": {"kind", "operations"},
    "Change": {"kind", "id", "startTime", "status", "additions", "deletions"},
    "ChangesListResponse": {"kind", "changes"},
    "ResourceRecordSet": {"kind", "name", "type", "ttl", "rrdatas", "signatureRrdatas"},
    "ResourceRecordSetsListResponse": {"kind", "rrsets"},
    "GoogleIamV1Policy": {"version", "etag"},
    "Policy": {"version", "etag"},
}
ZONE = "/dns/v1/projects/demo-project/managedZones"
RECORD = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
POLICY = {
    "policy": {
        "version": 3,
        "bindings": [
            {"role": "roles/dns.admin", "members": ["user:a@example.com"], "condition": {"expression": "true"}},
        ],
    }
}
PERMISSIONS = {"permissions": ["dns.managedZones.get"]}
NETWORKS = {"networks": [{"networkUrl": "projects/demo-project/global/networks/training"}]}
PRIVATE = {"name": "p", "dnsName": "p.", "visibility": "private", "privateVisibilityConfig": NETWORKS}
PUBLIC = {
    "name": "ml",
    "dnsName": "ml.example.com.",
    "labels": {"a": "b"},
    "cloudLoggingConfig": {"enableLogging": True},
}

# One life of a zone: together the calls go through every method that we have.
STORY = [
    ("GET", "/dns/v1/projects/demo-project", None),
    ("POST", ZONE, PUBLIC),
    ("POST", ZONE, PRIVATE),
    ("GET", f"{ZONE}?maxResults=1", None),
    ("GET", f"{ZONE}/ml", None),
    ("GET", f"{ZONE}/p", None),
    ("POST", f"{ZONE}/ml/changes", {"additions": [RECORD]}),
    ("GET", f"{ZONE}/ml/changes?maxResults=1", None),
    ("GET", f"{ZONE}/ml/changes/1", None),
    ("GET", f"{ZONE}/ml/rrsets?maxResults=2", None),
    ("GET", f"{ZONE}/ml/rrsets/{RECORD['name']}/A", None),
    ("PATCH", f"{ZONE}/ml/rrsets/{RECORD['name']}/A", {"ttl": 60}),
    ("DELETE", f"{ZONE}/ml/rrsets/{RECORD['name']}/A", None),
    ("POST", f"{ZONE}/ml/rrsets", RECORD),
    ("PATCH", f"{ZONE}/ml", {"description": "x"}),
    ("PUT", f"{ZONE}/ml", PUBLIC),
    ("GET", f"{ZONE}/ml/operations?maxResults=1", None),
    ("GET", f"{ZONE}/ml/operations/the-last", None),
    *(
        ("POST", f"{resource}:{verb}", body)
        for resource in (f"{ZONE}/ml", "/v3/projects/demo-project", "/v1/projects/demo-project")
        for verb, body in (("setIamPolicy", POLICY), ("getIamPolicy", {}), ("testIamPermissions", PERMISSIONS))
    ),
    ("GET", "/v3/projects/demo-project", None),
    ("GET", "/v1/projects/demo-project", None),
    ("DELETE", f"{ZONE}/p", None),
]


def specification_of(verb: str, path: str) -> tuple[str, dict[str, Any]]:
    """The document and the method that `path` calls."""
    found = []
    for (document, _), method in GOOGLE.items():
        pattern = re.sub(r"\{[^}]*\}", "[^/:]+", "/" + method.get("flatPath", method["path"]))
        if method["httpMethod"] == verb and re.fullmatch(pattern, path.partition("?")[0]):
            found.append((document, method))
    assert len(found) == 1, (verb, path, found)
    return found[0]


def test_every_answer_of_a_zone_s_life_fits_its_schema(api):
    told, wrong = set(), []
    for verb, template, body in STORY:
        path = template
        if template.endswith("/the-last"):
            path = template.replace("the-last", api.get("managedZones/ml/operations").body["operations"][-1]["id"])
        if verb == "PUT":
            body = {**api.get("managedZones/ml").body, **body}  # noqa: PLW2901 - a PUT holds the whole zone
        document, method = specification_of(verb, path)
        told.add(method["id"])
        answer = api.call(verb, path, body)
        assert answer.code == 200, (verb, path, answer.body)
        schema = method.get("response")
        if schema is None:
            assert answer.body == {}
            continue
        wrong += mismatches(answer.body, schema, SPECIFICATIONS[document]["schemas"], method["id"])
        if document == "dns.v1" or schema["$ref"] == "Policy":
            missing = REQUIRED.get(schema["$ref"], set()) - answer.body.keys()
            wrong += [f"{method['id']}: no {key}" for key in sorted(missing)]
    assert wrong == []
    assert told == IMPLEMENTED_IDS


def test_the_check_itself_finds_faults():
    schemas = SPECIFICATIONS["dns.v1"]["schemas"]
    bad = {"kind": "dns#change", "id": 7, "status": "sent", "additions": [{"ttl": "300", "x": 1}], "deletions": {}}
    assert [line.partition(":")[0] for line in mismatches(bad, {"$ref": "Change"}, schemas, "change")] == [
        "change.id",
        "change.status",
        "change.additions[0].ttl",
        "change.additions[0].x",
        "change.deletions",
    ]
