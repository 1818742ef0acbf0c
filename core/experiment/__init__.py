"""An experiment: heads side by side on the same features, seeds and budget, without the browser that asks for it.

`controls` is the table of the form's controls: name, label, range, and how a value is written in an address. `configs`
makes one run's configuration for each head from the controls' values, and finds the values back. `address` writes the
values into the page's address and reads them. `features` lists what a data set's images can be turned into.
"""
