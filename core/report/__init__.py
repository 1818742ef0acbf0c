"""Sentences and tables as data: a page, a slide, a Markdown export and the terminal show the same from one source.

Read in this order: `numbers` (a number with its ±, points, p values), `table` (columns and cells, as Markdown and as
plain text), `verdicts` (one verdict and all of a candidate), `comparison` (its rivals, budget, the circuit's part),
`results` (what finished heads show on the test set), `paper` (the rows of the paper's table). HTML is the pages' own.
"""
