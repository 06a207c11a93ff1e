"""The DNS side of localcloud: authoritative listeners and caching resolvers over the zones of the store.

The way of a query: `listener` (sockets) → `exchange` (one message in, one out) → `authoritative` or `resolver` (which
zones, which cache) → `views` (each zone as this listener knows it, `lag` seconds late) → `lookup` (a name in a zone).
Everything below `listener` is free of sockets and takes its clock from outside.
"""
