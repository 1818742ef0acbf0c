"""Intervals, paired tests and the rule by which a verdict is given (`verdict`)."""
