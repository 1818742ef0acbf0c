"""What the paper's page alone uses.

`wording` has the page's sentences. Read in the order of the page: `choice` (examples and protocols, in the address),
`table` (the rows: a grid, and a list where the screen is narrow), `rerun` (rows that are run again: bars that stay in
sight), `row_standing` (how such a row stands, and what a person can do about it), `closed_form` (what the circuit is
when training begins), `closely` (one example).
"""
