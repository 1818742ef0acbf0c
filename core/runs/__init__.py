"""Runs as they are stored and as they stand.

Read in this order: `store` (one folder a run, whole or absent), `snapshots` (immutable pictures of it), `estimate` (how
long a run will take, learnt from those that have finished).
"""
