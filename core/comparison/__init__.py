"""One candidate against its rivals on one problem: who takes part, how it is run, what is kept.

Read in this order: `record` (problem, rivals and what a comparison stores), `tuning`, `scikit_learn` (standard methods
as rivals), `contribution` (what the circuit adds), `run` (the whole comparison as a generator of events).
"""
