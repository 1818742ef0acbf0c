"""Everything that is true without a browser.

Ground: `errors`, `events`, `settings`. Then, each looking only into those before it: `config` (what a run is),
`circuit` (circuits and simulators), `data` (images, networks, features), `training`, `runs` (stored and as they stand),
`statistics`, `paper`, `comparison`, `figures`, `work` (in the background), and at the end `bench` and `commands`.
"""
