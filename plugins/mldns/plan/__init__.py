"""What to write: the difference between what a zone holds and what an owner wants, and how it is cut into changes.

`compute.compute_plan` decides every record by the table of its module and returns a `plan.Plan`, which says the same
to a log line, a person and JSON; `batches.pack` makes changes of it that a server accepts, and never parts a name.

Pure: it reads no zone and sends nothing. Whose a record is, it asks the callables that it is given.
"""
