"""The paper's examples: what it reports beside what is measured here.

Read in this order: `table` (rows, reported and measured), `notebook` (the authors' example 1, number for number).
"""
