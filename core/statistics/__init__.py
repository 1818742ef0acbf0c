"""What a set of seeds and test samples can show of heads, and what it cannot. Sentences about it are `core.report`'s.

Two populations are kept apart everywhere. *This test set*: would other seeds of the same heads differ on these very
samples? *Other test data*: would other seeds differ on other samples of the kind? One model of variance, seeds and
samples crossed, answers both.

Read in this order: `intervals` (one head over seeds), `crossed` (the model), `paired` (two heads), `verdict` (the
rule), `power` (how many seeds and samples an answer takes), `ranking` (many data sets), `metrics` (calibration, area
under the curve, chance level). Metrics come in natural units (accuracy in [0, 1]); margins are in percent points.
"""
