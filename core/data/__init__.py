"""Data sets, frozen networks and the features that one gives of the other.

Read in this order: `points` (generated data sets), `images` (where images lie and how they are read), `networks` (the
frozen networks there are, one entry each), `cuts` (where a network may be cut), `registry` (the data sets there are,
one entry each), `features` (a data set under a cut, by name), `downloads` (with a person's consent), `weights` (weight
files that nobody has to trust), `backbones` (builds the network of a cut), `extraction` (images → features), `banks`
(features stored in one file). What is in `shipped/` comes with the laboratory.
"""
