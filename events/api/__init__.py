"""The read API: what was recorded, as JSON, for other programs. docs/api.md is for those who write them.

Everything is read, nothing is changed. Terms:

problem   an error as a JSON object (RFC 9457), `events.api.problems`
order     columns that put rows in one clear order, the last of them unique, `events.api.pages`
cursor    where in its order a page ended, as text; a page has no number, so that no answer ever
          counts or skips rows, and rows that arrive meanwhile move nothing
scope     what a token opens, `events.models_api.ApiToken`
"""
