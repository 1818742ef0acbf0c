"""Work of every kind in the background: one queue with one owner, one record, and the workers that do it.

Read in this order: `kinds` (what there is to do), `queue` (submitted, followed, paused, stopped and resumed by one
thread), `turns` (who is next), `job` (one piece of work: how it stands, and what becomes of it), `attempt` (the owner's
side of one try), `worker` (the other side, in a worker process), `answers` (what networks say of samples, also while
they are trained), `cluster` (starts workers or connects to them), `records` (what is stored), `resume` (which stored
runs may go on), `here` (the same work in this very process, as from a terminal), `shipping` (runs as they are kept that
ship), `rows` (the rows of the paper's table as work).
"""
