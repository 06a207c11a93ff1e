"""Google's IAM policies: where they are read and written, and when a grant counts.

`zone_policy` and `project_policy` implement `mldns.providers.iam.policy_store.IamPolicyStore`; `effective` asks as the
members themselves whether Google enforces a grant yet. What a grant means, who holds it, and in which order policies
and notes are written is not decided here (`mldns.iam`, `mldns.providers.iam`).
"""
