"""Kinds of work, each in a file: what is asked for, the events of doing it, and what is kept of it.

Read in this order: `base` (the contract), `train` (a head on features), `images` (a head on images, for BatchNorm in
training mode). A new kind is one file.
"""
