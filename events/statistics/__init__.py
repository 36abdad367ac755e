"""What matches, tallies and figures come to: for athletes, tournaments and days.

Nothing here reads an event. All of it is what the stream said: a match without a result has none, and
what a scoring system does not tell (a schedule, places, medals) is not worked out.
"""
