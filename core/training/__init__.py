"""Heads and how they are trained: all seeds of a run are one computation.

Read in this order: `layers` (each with its gradient by hand), `standardisation` (of features), `network` (a head of
many members), `optimiser`, `loop` (a generator of events), `on_images` (the paper's protocol with BatchNorm in training
mode). `torch_module` wraps a head as a plain torch module.
"""
