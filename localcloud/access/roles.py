"""What the predefined roles permit, as far as localcloud's methods ask. A role that is not here permits nothing.

After Google's list of roles. Two things there surprise: the owner of a project may not act as its service accounts, and
`roles/dns.admin` may read the policy of a zone but not set it (operators measured so; one page of Google's says that it
may, which `make verify-google` cannot settle).
"""

from __future__ import annotations

from typing import Final

_DNS_READ = frozenset(
    {
        "dns.changes.get",
        "dns.changes.list",
        "dns.managedZoneOperations.get",
        "dns.managedZoneOperations.list",
        "dns.managedZones.get",
        "dns.managedZones.list",
        "dns.projects.get",
        "dns.resourceRecordSets.get",
        "dns.resourceRecordSets.list",
        "resourcemanager.projects.get",
    }
)
_DNS_WRITE = frozenset(
    {
        "dns.changes.create",
        "dns.managedZones.create",
        "dns.managedZones.delete",
        "dns.managedZones.update",
        "dns.networks.bindPrivateDNSZone",
        "dns.resourceRecordSets.create",
        "dns.resourceRecordSets.delete",
        "dns.resourceRecordSets.update",
    }
)
_COMPUTE_READ = frozenset(
    {"compute.instances.list", "compute.instanceGroupManagers.get", "resourcemanager.projects.get"}
)
_CLUSTERS_READ = frozenset({"container.clusters.get", "resourcemanager.projects.get"})
_POLICIES_READ = frozenset(
    {"dns.managedZones.getIamPolicy", "iam.serviceAccounts.getIamPolicy", "resourcemanager.projects.getIamPolicy"}
)
_POLICIES_WRITE = frozenset(
    {"dns.managedZones.setIamPolicy", "iam.serviceAccounts.setIamPolicy", "resourcemanager.projects.setIamPolicy"}
)

ROLES: Final = {
    "roles/owner": _COMPUTE_READ | _CLUSTERS_READ | _DNS_READ | _DNS_WRITE | _POLICIES_READ | _POLICIES_WRITE,
    "roles/editor": _COMPUTE_READ | _CLUSTERS_READ | _DNS_READ | _DNS_WRITE | _POLICIES_READ,
    "roles/viewer": _COMPUTE_READ | _CLUSTERS_READ | _DNS_READ | _POLICIES_READ,
    "roles/dns.admin": _DNS_READ | _DNS_WRITE | {"dns.managedZones.getIamPolicy"},
    "roles/dns.reader": _DNS_READ,
    "roles/compute.viewer": _COMPUTE_READ,
    "roles/container.clusterViewer": _CLUSTERS_READ,
    "roles/resourcemanager.projectIamAdmin": frozenset(
        {
            "resourcemanager.projects.get",
            "resourcemanager.projects.getIamPolicy",
            "resourcemanager.projects.setIamPolicy",
        }
    ),
    "roles/iam.serviceAccountAdmin": frozenset(
        {"iam.serviceAccounts.getIamPolicy", "iam.serviceAccounts.setIamPolicy", "resourcemanager.projects.get"}
    ),
    "roles/iam.serviceAccountTokenCreator": frozenset(
        {
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.implicitDelegation",
            "resourcemanager.projects.get",
        }
    ),
}
