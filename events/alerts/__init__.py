"""Alerts: what is wrong is told until somebody has seen to it, and told once.

kind       what can be wrong: too many events a second, a court silent while its clock runs, …
           (`kinds`); each has one rule in the database, with the figures that staff may change
subject    what a condition is about: a court, a listener, a tournament, or the whole machine ("")
reading    one kind measured on one subject (`reading`)
alert      one episode, from the moment a condition has held for long enough until it has been away for
           long enough (`states`); it is acknowledged or snoozed by people, never deleted
watcher    whoever looks every two seconds (`evaluate`); of several that could, one does (`lease`)
delivery   one message to one receiver, kept until it has arrived (`outbox`, `receivers`)

    Situation, totals, machine -> reading -> states -> Alert, AlertDelivery -> pages, webhook, e-mail
"""
