"""The paper's examples: what it reports beside what is measured here.

Read in this order: `examples` (what the paper does and reports), `rows` (which of our runs belongs beside each number),
`titles` (what examples and rows are called), `table` (rows with what was measured), `notebook` (the authors' example 1,
number for number), `notebook_record` (what that gave, as it is stored), `released_head` (the trained head that the
authors published). `citation` holds BibTeX entries.
"""
