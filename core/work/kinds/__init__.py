"""Kinds of work, each in a file: what is asked for, the events of doing it, and what is kept of it.

Read in this order: `base` (the contract), `train` (a head on features), `images` (a head on images, for BatchNorm in
training mode), `extract` (features of images), `compare` (a head with its rivals), `notebook` (the authors', number for
number), `released_head` (the authors' trained head), `measure` (how long work will take), `registry` (finds the kinds
of all files here, and reads them back from records). A new kind is one file.
"""
