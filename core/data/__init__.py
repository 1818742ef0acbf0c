"""Data sets, frozen networks and the features that one gives of the other.

Read in this order: `datasets` (points and images by name), `cuts` (networks and where they may be cut), `backbones`
(builds the network of a cut), `downloads` (with a person's consent), `extraction` (images → features), `banks`
(features stored in one file; those in `shipped/` come with the laboratory).
"""
