"""Recordings played again on the live page, the overlays and the wall; nothing of it is ever stored.

recording  the messages of a match or a file, with the time of each from the first, in chunks (`load`)
loaded     the recordings of this process, each read once (`loaded`, `let_go`)
player     folds a recording up to a position (`player`)
present    what one shows now, for those who ask (`courts_now`)
channel    in a web process: one replay with viewers, its player, and what they are sent (`channel`)

docs/adr/0008-replay.md says why it is built this way.
"""
