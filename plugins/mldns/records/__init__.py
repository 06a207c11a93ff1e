"""What stands in a zone: names, addresses, resource record sets and the strings of TXT. Pure.

`rrset.RRset` is the value that everything else passes on, `rrset.parse_record` reads what people write; `names` makes
and checks every name, `addresses` says which address may stand in a record and how reverse names are made, `txt`
quotes.

It knows no job, no manifest and no server: who wants a record is `mldns.inventory`, whose it is `mldns.ownership`.
"""
