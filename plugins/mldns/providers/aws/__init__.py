"""Amazon Web Services: Route 53.

The way in is `provider.Route53Provider` over `client.Route53Client`, which wraps the boto3 client that a hook gives it:
one call at a time, within `pacing`, repeated as far as that is safe. boto3 itself must repeat nothing: a change that it
sends twice is refused the second time, and its own work would look like somebody else's. `failures` says what AWS's
refusals mean, `wire` how a record set is spelled, `zones` what a hosted zone may be called.

Only `mldns.hooks` and the tests import this package. Nothing here imports boto3 itself, but for its exceptions.
"""
