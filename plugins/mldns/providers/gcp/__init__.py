"""Google Cloud: Cloud DNS v1 and the IAM policies of zones and projects.

The way in is `provider.CloudDNSProvider` over `client.DNSClient`, a plain HTTP client that knows pages, retries and
nothing of mldns's rules. Google's JSON ends in this package and in the hook: nobody else reads it. `errors` says what
Google's refusals mean, `failures` which calls may be made again, `zones` what a zone may be called, `iam` who may edit.

Only `mldns.hooks` and the tests import this package.
"""
