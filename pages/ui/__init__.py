"""What several pages share.

`service` (the runs of this server, and who is there), `routes` (what the server answers beside Streamlit), `channel`
and `news` (the two ends of the line on which pages hear of runs), `standing`, `lines` and `heads_table` (how runs
stand, in words and as a table), `charts`, `curves`, `circuit`, `regions` and `panel` (components), `sortable` (a table
as a grid), `results` (the test set), `work_bar` (work in the background: how far it is, and Stop), `extraction`
(features that are not here yet). `wording` has the sentences of all these. What one page alone uses is in a folder of
its name.
"""
