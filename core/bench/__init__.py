"""Benchmarks: a training step beside other simulators and beside classical networks.

Read in this order: `step` (what is timed), `peers` (other simulators), `profile` (where the time goes), `report`
(stored figures in words).
"""
