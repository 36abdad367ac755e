"""Reports on paper: of one match, and of one day.

`pages` gathers what they say, `course` draws the score, `pdf` has a browser of this machine print the page.
Only what the stream told; where something may be missing, the report says so.
"""
