"""Route 53 (2013-04-01) over the same store: hosted zones are zones of the project of an AWS account.

The way in is the `METHODS` of `zones`, `records` and `identity`; `xml` reads and writes AWS's bodies and errors,
`batches` is the rule book of a change. Where AWS's words were not seen anywhere they say so (`assumed`).
"""
