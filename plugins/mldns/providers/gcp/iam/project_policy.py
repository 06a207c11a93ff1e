"""A project's IAM policy, through google-cloud-resource-manager over REST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud.resourcemanager_v3 import ProjectsClient
from google.iam.v1 import iam_policy_pb2, options_pb2, policy_pb2
from google.protobuf import json_format

from mldns import metrics
from mldns.iam.policy import IamPolicy
from mldns.providers.errors import AnswerLost, Call
from mldns.providers.gcp import failures
from mldns.providers.gcp.client import POLICY_VERSION
from mldns.providers.gcp.errors import translate
from mldns.providers.retry import RetryPolicy

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import Credentials

T = TypeVar("T")


class ProjectPolicy:
    """The policy of one project, as JSON in and out; raises the same exceptions as `DNSClient`.

    :param client_options: `api_endpoint` points it at another server, http:// included.
    :param timeout: seconds for one call.
    """

    def __init__(
        self,
        project: str,
        credentials: Credentials,
        *,
        client_options: ClientOptions | None = None,
        timeout: float = 60.0,
        retrying: RetryPolicy | None = None,
    ) -> None:
        self.resource = f"projects/{project}"
        self._project = project
        self._timeout = timeout
        self._retrying = retrying or RetryPolicy()
        # gRPC speaks to no http:// endpoint, and brings threads that do not survive a fork.
        self._client = ProjectsClient(transport="rest", credentials=credentials, client_options=client_options)

    def read(self) -> IamPolicy:
        """The policy with its conditions and its etag."""
        request = iam_policy_pb2.GetIamPolicyRequest(
            resource=self.resource, options=options_pb2.GetPolicyOptions(requested_policy_version=POLICY_VERSION)
        )
        found = self._request(
            "projects.getIamPolicy", lambda: self._client.get_iam_policy(request, retry=None, timeout=self._timeout)
        )
        return dict(json_format.MessageToDict(found))

    def write(self, policy: IamPolicy) -> None:
        """Write bindings under the etag that they were read with.

        :raises PolicyMoved: it was written meanwhile.
        :raises AnswerLost: it may have been applied, or not.
        :raises UnknownMember: the account of a member does not exist, or not yet.
        """
        message = json_format.ParseDict(policy, policy_pb2.Policy(), ignore_unknown_fields=True)
        request = iam_policy_pb2.SetIamPolicyRequest(resource=self.resource, policy=message)
        self._request(
            "projects.setIamPolicy",
            lambda: self._client.set_iam_policy(request, retry=None, timeout=self._timeout),
            repeatable=failures.never_applied,
        )

    def test(self, permissions: Sequence[str]) -> list[str]:
        """Those of `permissions` that the caller has on the project."""
        request = iam_policy_pb2.TestIamPermissionsRequest(resource=self.resource, permissions=permissions)
        answer = self._request(
            "projects.testIamPermissions",
            lambda: self._client.test_iam_permissions(request, retry=None, timeout=self._timeout),
        )
        return list(answer.permissions)

    def _request(
        self, method: str, send: Callable[[], T], *, repeatable: Callable[[BaseException], bool] = failures.transient
    ) -> T:
        call = Call(method, self._project)

        def counted() -> T:
            with metrics.api_call(method):
                return send()

        try:
            return self._retrying.run(counted, what=str(call), repeatable=repeatable, described=failures.describe)
        except (GoogleAPICallError, GoogleAuthError, OSError) as error:
            if failures.transient(error):
                raise AnswerLost(call, error, brief=failures.describe(error)) from error
            raise translate(error, call) from error
