"""Measurements → plotly figures; a page, an export and a slide draw the same ones.

`style` is the look of all figures; `runs` draws training, test accuracies and confusion; `regions` draws what
networks say of a plane; `comparison` draws verdicts and tuning.
"""
