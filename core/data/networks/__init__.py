"""The frozen networks there are: everything that is true of a network is in its entry.

`base` has the contract: how a network is built, how it wants its images, where its weights come from, where menus
offer to cut it. `torchvision` is one source, with all its networks for classification; `mlnet` is Microsoft's
ResNet18, whose weights ship. `registry` finds the networks of all files here: a new network is one file or one entry.
"""
