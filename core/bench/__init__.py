"""Benchmarks: a training step beside other simulators and beside classical networks.

Read in this order: `step` (what is timed), `peers` (other simulators), `profile` (where the time goes), `verdicts` (how
often the rule of verdicts is wrong), `report` (stored figures in words).
"""
