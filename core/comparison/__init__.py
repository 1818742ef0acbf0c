"""One candidate against its rivals on one problem: who takes part, how it is run, what is kept.

Read in this order: `problem` (data, features, conditions and the candidate's settings), `rivals` (who takes part),
`command_line` (which runs it again), `record` (what was measured), `store` (records as folders), then what needs torch
or scikit-learn: `tuning` (equal for every head), `scikit_learn` (standard methods as rivals), `contribution` (what the
circuit adds), `run` (the whole comparison as a generator of events). Which differences are shown is `core.statistics`'
rule; the words are `core.report`'s.
"""
