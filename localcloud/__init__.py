"""A stand-in for Google Cloud DNS, Resource Manager and what finds workers, and for the DNS that serves the zones.

The rule: answer as Google was seen to answer, refuse with 501 what is not implemented, and keep every guess in
`assumptions`. The way in is `python -m localcloud` (`__main__`), which starts `server.serve`: one process, one
asyncio loop, no locks. A request passes `front`, `app` and `admission` to a method in `routes`, which reads and edits
the `store`; `changes` has the rules of a change and its 403, 404, 409 and 412; name servers and resolvers in `dns`
read the same store, later. Nothing here may import `mldns`: the two meet over HTTP and DNS alone.
"""
