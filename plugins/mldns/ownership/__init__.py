"""Who may touch a name: the manifest of a job, the lease on it, and the changes that keep both true. Pure.

`claims` decides: who may take, write, renew and release, and what that changes in the zone. `manifest` is what an owner
says of its names, as a TXT record; `name_ranges` keeps ten thousand names in it as ranges; `compare_and_swap` puts the
swap of the manifest into each batch of an edit. `leases` says when a lease is over, `markers` whose other records are.

Nothing here reads a zone or a clock: both are passed in. `mldns.providers.editor` carries out what is decided here.
"""
