"""The commands of ``python -m core``: `train`, `features`, `paper`, `compare`, `bench`; arguments and printing only.

`terminal` is how they print.
"""
