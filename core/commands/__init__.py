"""The commands of ``python -m core``, arguments and printing only: `train`, `features`, `paper`, `compare`, `defaults`,
`bench`.

`terminal` is how they print, `run_options` are the options that describe a run.
"""
