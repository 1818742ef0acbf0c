"""Work in the background: a queue with one owner, and the workers that do it.

Read in this order: `queue` (submitted, followed, paused, stopped and resumed), `worker` (inside a worker process),
`cluster` (starts workers or connects to them).
"""
