"""The kinds of trained heads: everything that is true of a kind is in its one file.

`base` has the contract: how a kind is called and drawn, its lines in the menus, its size, its layers. `layers` has the
words in which a kind describes its layers and their weights. `dressed_quantum` is the paper's head and `ablations`
what can be taken out of it; `bottleneck`, `linear`, `mlp` and `closed_form` are its classical rivals. `registry` finds
the kinds of all files here: a new kind is one file.
"""
