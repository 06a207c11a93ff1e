"""Who the workers are, read from what Compute Engine and Kubernetes answer.

`gce` and `pods` make a `census.Census` of an answer: hosts that are ready, hosts that may yet be, and why not.
`ranking.Ranking` makes workers of the hosts, by a rule that ranks the same hosts the same way on every retry.

Pure: answers come in as JSON objects. Asking is done by `mldns.hooks.compute` and `mldns.hooks.pods`, waiting by
`mldns.operators.discovery`.
"""
