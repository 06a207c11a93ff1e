"""Writing to a cloud's DNS: what is the same for all clouds here, each cloud in a package of its own.

The way in is `editor.ZoneEditor`: it reads a zone (`reader`), decides with `mldns.ownership` and `mldns.plan`, checks
the limits (`quota`), sends the changes and finds out what became of one whose answer was lost (`changes`), and begins
again when somebody else wrote in between. `zones` makes and deletes zones. All of it works through
`base.DnsProvider`; a new cloud is a package that implements it.

Modules here import no cloud's package and no SDK, and the clouds' packages never import each other.
"""
