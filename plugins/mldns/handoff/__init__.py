"""The hand-off: one small JSON value with all that a trainer needs to rendezvous by name. Pure.

`writer.hand_off` makes it, `reader.read` checks it and unfolds it into hosts again, `render` makes of it what launchers
take. What its keys mean is a contract with other programs: docs/hand-off.md. Addresses stay in DNS; the hand-off has
digests of them (`address_digest`), by which `agreement` finds answers that are not the ones handed over.
"""
