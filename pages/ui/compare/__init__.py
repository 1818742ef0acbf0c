"""What the page Compare alone uses.

Read in the order of the page: `choice` (comparison, margin and rival, all in the address), `verdict` (the figure, one
rival explained), `numbers` (all rivals, the circuit's part, tuning, ranks), `rows` (tables as HTML), `again` (run one),
`running` (those that go on, and how the last one ended), `wording` (every sentence).
"""
