"""What the laboratory alone uses.

Read in the order of the page: `strip` (its name and the way from image to answer), `form` (the sidebar, and the
address), `live_switch` (trains what changes), `view` (what is shown), `live` (everything above the results), `header`
(title, status, buttons), `ghosts` (what was shown before), `fold` (the form on a phone), `wording`
(its sentences).
"""
