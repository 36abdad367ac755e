"""The live feed: what is stored now is seen now, by everyone who watches.

The database is the bus. One feed in each web process follows the events table while somebody
watches, and hands each frame, serialised once, to a Channels group. Terms:

row       one event as the page gets it, a JSON object (`events.live.rows`)
card      the state of one court: match, athletes, score, clock (`events.live.cards`)
ordinal   the number a feed gives to each event it has followed, without holes; a viewer that is
          sent a frame starting beyond its last ordinal + 1 has been skipped ahead, and is told by
          how many events
screen    a page without a signed-in user, of the stream or on the wall (`events.live.screens`)
frame     the rows and the changed cards since the last frame, one WebSocket message

docs/adr/0002-live-feed.md says why it is built this way.
"""

from events.live.access import Access
from events.live.feed import Feed, current_feed
from events.live.screens import Screen
from events.live.viewer import Viewer, ViewerRequest

__all__ = ["Access", "Feed", "Screen", "Viewer", "ViewerRequest", "current_feed"]
