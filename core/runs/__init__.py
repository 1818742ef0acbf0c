"""Runs as they are stored and as they stand.

Read in this order: `ownership` (which process works on a folder), `store` (one folder a run, whole or absent),
`shipped` (which settings have a run that came with the laboratory), `frames` (all runs as tables), `snapshots`
(immutable pictures of how work stands), `estimate` (how long a run will take, learnt from those that have finished).
"""
