"""Giving roles and taking them back for jobs, on any cloud that has a policy with an etag.

The way in is `binding.bind` and `binding.unbind`; `authoritative` is the form that also takes the role from everybody
else, `alignment` brings a policy to what the notes say. Notes of grants are in the jobs' manifests (`ledger`), policies
behind an `IamPolicyStore` (`policy_store`). Both change under compare-and-swap, and never together: `binding` says in
which order they do, and why that is enough.

No cloud's package is imported here; `mldns.providers.gcp.iam` has Google's policies.
"""
