"""Everything that is true without a browser.

Ground: `errors`, `words` (numbers and lists as text), `validation` (what does not fit, as a sentence), `versions`,
`discovery` (what the files of a folder define), `files` (whole or absent), `events`, `settings` (of this machine).
Then, each looking only into those before it: `data` (data sets, frozen networks, features), `config` (what a run is),
`recipes` (the paper's settings as runs), `experiment` (heads side by side, from the form's controls), `circuit`
(circuits and simulators), `training`, `runs` (stored and as they stand), `statistics`, `paper`, `comparison`,
`report` (words and tables), `figures`, `work` (in the background), and at the end `bench` and `commands`.
"""
