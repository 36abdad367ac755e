"""Backups of a tournament: made, verified, restored.

A backup is one zip file: a compressed NDJSON for each model (`columns` says what a row's values are)
and a `manifest.json` that counts and hashes them. Its comment is a seal over every byte before it.

*Owned* rows hang on the tournament and are restored as rows of their own. *Carried* rows are what
they refer to and is of that time only, as a sender's session; restored the same way. *Shared* rows
outlive a tournament, as courts and athletes; restored by finding the same one, else made.
"""
