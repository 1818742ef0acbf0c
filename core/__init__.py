"""Everything that is true without a browser.

Ground: `errors`, `words` (numbers and lists as text), `versions`, `files` (whole or absent), `events`. Then `config`
(what a run is) and `settings` (of this machine), and, each looking only into those before it:
`circuit` (circuits and simulators), `data` (images, networks, features), `training`, `runs` (stored and as they stand),
`statistics`, `paper`, `comparison`, `figures`, `work` (in the background), and at the end `bench` and `commands`.
"""
