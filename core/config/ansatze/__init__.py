"""Ansätze, the trained blocks that a dressed circuit repeats: a new one is one file here.

`base` has the contract. `mari` is the paper's, `ring` and `strongly_entangling` are PennyLane's. `registry` finds the
ansätze of all files here; the form, the commands, comparisons and the tests of every simulator take theirs from it.
"""
