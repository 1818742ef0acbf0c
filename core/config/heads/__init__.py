"""The kinds of trained heads, one file each.

`base` has what they share: the start of their weights, and the size of the circuit that rivals are matched to.
`dressed_quantum` is the paper's head; `closed_form`, `linear`, `bottleneck` and `mlp` are its classical rivals.
`registry` collects them by kind.
"""
