"""Putting the events of finished tournaments aside, and bringing them back identical.

An event is either among the live ones (`PssEvent`) or in the archive (`ArchivedPssEvent`), never in
both and never in neither: each slice moves in one transaction. Matches and totals stay as they are.

`scope` says what may go, `slices` moves, `runs` moves everything with a record of how far it is,
`seeing` reads events wherever they are, `room` says how much room they take.
"""
