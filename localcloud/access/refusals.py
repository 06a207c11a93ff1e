"""Google's 401 and 403, in the words of each API, and OAuth's errors.

Cloud DNS says "Forbidden" and no more; Resource Manager and IAM name the permission. For the person who reads a log of
tests, the header `X-Localcloud-Missing-Permission` names it always.
"""

from __future__ import annotations

from typing import Any

from localcloud.errors import ApiError, Problem

_WHERE = {"location": "Authorization", "locationType": "header"}
_SEE = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. See"
    " https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Refusal(ApiError):
    """An error whose body has more, or other, fields than the usual one."""

    def __init__(self, code: int, reason: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        error = body["error"]
        super().__init__(code, [Problem(reason, error["message"] if isinstance(error, dict) else str(error))])
        self._body = body
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return self._body


def unauthenticated(*, token_sent: bool) -> Refusal:
    """401: no token, or one that was not issued here or has expired."""
    if token_sent:
        why, short, reason = "Request had invalid authentication credentials.", "Invalid Credentials", "authError"
    else:
        why, short, reason = "Request is missing required authentication credential.", "Login Required.", "required"
    body = _error(401, f"{why} {_SEE}", "UNAUTHENTICATED")
    body["error"]["errors"] = [{"message": short, "domain": "global", "reason": reason, **_WHERE}]
    return Refusal(401, reason, body, {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'})


def scope_missing() -> Refusal:
    """403: the token was asked for with other scopes."""
    body = _error(403, "Request had insufficient authentication scopes.", "PERMISSION_DENIED")
    reason = "insufficientPermissions"
    body["error"]["errors"] = [{"message": "Insufficient Permission", "domain": "global", "reason": reason}]
    return Refusal(403, reason, body)


def forbidden(service: str, permission: str, resource: str) -> Refusal:
    """403: the caller lacks `permission` on `resource` (`projects/p`)."""
    headers = {"X-Localcloud-Missing-Permission": permission}
    if service == "dns":
        plain = ApiError(403, [Problem("forbidden", "Forbidden")])
        return Refusal(403, "forbidden", plain.body(), headers)
    if service in ("compute", "container"):
        plain = ApiError(403, [Problem("forbidden", f"Required '{permission}' permission for '{resource}'")])
        return Refusal(403, "forbidden", plain.body(), headers)
    message = f"Permission '{permission}' denied on resource (or it may not exist)."
    metadata = {"permission": permission}
    if service == "cloudresourcemanager":
        name = f"//cloudresourcemanager.googleapis.com/{resource}"
        message = message.replace("resource (", f"resource '{name}' (")
        metadata["resource"] = resource
    body = _error(403, message, "PERMISSION_DENIED")
    body["error"]["details"] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": f"{'iam' if service.startswith('iam') else service}.googleapis.com",
            "metadata": metadata,
        }
    ]
    return Refusal(403, "forbidden", body, headers)


def oauth(error: str, description: str, code: int = 400) -> Refusal:
    """An error of a token endpoint (RFC 6749 section 5.2)."""
    return Refusal(code, error, {"error": error, "error_description": description})


def _error(code: int, message: str, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}
