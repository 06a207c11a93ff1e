"""What launchers start from, made of a hand-off: a module for each launcher or kind of file. Pure.

`environment` makes MASTER_ADDR and its like, `launch` what all hosts share and each launcher's command. Each takes a
`reader.HandOff`, and the host that it is for where that matters, and returns settings or text; `forms` are the ways of
writing variables down.
What a launcher could not start with is refused in one line, and nothing is quoted by hand: names and digests are
checked when the hand-off is read.
"""
