"""What a run is: validated when it is made, frozen afterwards.

`frozen` is the base of all configurations; `gates` has the gates of circuits, `ansatze` their trained blocks and
`heads` the kinds of trained heads, one file each; `run` is the configuration of a run, the same object in form,
address, terminal and record, and words what does not fit.
"""
