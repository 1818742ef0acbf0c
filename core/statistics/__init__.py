"""What a set of seeds and test samples can show of heads, and what it cannot. Sentences about it are `core.report`'s.

Two questions are kept apart everywhere. *Seeds*: would the same two heads, started and shuffled anew, differ on this
very test set? Tests over paired seeds answer that and only that: all seeds share one test set, so its sampling error
does not shrink with more seeds. *Samples*: would they differ on other test samples? McNemar's test answers that.

Read in this order: `intervals` (one head), `paired` (two heads over the same seeds), `samples` (two heads over test
samples), `verdict` (the rule that brings these together), `power` (how many seeds an answer takes), `ranking` (many
data sets), `metrics` (calibration, area under the curve, chance level). Metrics come in natural units (accuracy in
[0, 1]); margins are in percent points.
"""
