"""What was measured, in bounded room, and when something may have been missed."""

from __future__ import annotations

from django.db import models


class Sample(models.Model):
    """What one process measured from `at` on, for `step` seconds.

    `step` is one of `events.history.STEPS`; `at` is a multiple of it. A span in which nobody measured
    has no row. `covered_ms` is how much of the span was measured: less where a process began or ended.
    """

    name = models.CharField(max_length=100, help_text="Whose: a listener, or a web process.")
    step = models.PositiveSmallIntegerField(help_text="Seconds.")
    at = models.DateTimeField()
    covered_ms = models.PositiveIntegerField()
    memory_bytes = models.PositiveBigIntegerField(null=True, help_text="Of its processes, at most.")

    class Meta:
        abstract = True
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}, {self.step} s"


class ListenerSample(Sample):
    """A listener. Counts are of the span, levels (`backlog` …) the highest or lowest met in it.

    `latency` and `database` are histograms (`events.latency`): from the kernel's receive time until
    committed, for each event; and how long writing and committing took, for each transaction. `courts` is
    the number of events by court id, "" for events without a court.
    """

    events = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0, help_text="Events unknown or malformed.")
    peak = models.FloatField(default=0, help_text="Events a second, in the busiest second.")
    latency = models.BinaryField(default=b"")
    database = models.BinaryField(default=b"")
    courts = models.JSONField(default=dict)
    backlog = models.PositiveBigIntegerField(null=True, help_text="Datagrams not stored yet, at most.")
    kernel_drops = models.PositiveBigIntegerField(default=0)
    blind_ms = models.PositiveBigIntegerField(default=0)
    receive_buffer = models.PositiveBigIntegerField(null=True, help_text="Bytes.")
    sessions = models.PositiveIntegerField(null=True, help_text="Open ones.")
    memory_percent = models.FloatField(null=True, help_text="Of its machine's memory, in use.")
    disk_free = models.PositiveBigIntegerField(null=True, help_text="Bytes left where RESTRIKE_VAR is.")

    class Meta(Sample.Meta):
        # By step and time, since all that is read is a span of one step, and what is too old goes so.
        constraints = [models.UniqueConstraint(fields=["step", "at", "name"], name="listener_sample_unique")]


class WebSample(Sample):
    """A web process."""

    viewers = models.PositiveIntegerField(default=0, help_text="Pages open on its live feed, at most.")

    class Meta(Sample.Meta):
        constraints = [models.UniqueConstraint(fields=["step", "at", "name"], name="web_sample_unique")]


class Loss(models.Model):
    """A span in which a listener may have missed datagrams; written by its importer.

    Either the system dropped some between `begin` and `end` (`datagrams`, at the socket of `port`), or
    no socket was open all that time, and what was sent then is not known. Whose datagrams they were,
    nobody knows. The totals are those of `ListenerNode`.
    """

    class Kind(models.TextChoices):
        DROPS = "drops", "Dropped by the system"
        BLIND = "blind", "Nothing was listening"

    node = models.CharField(max_length=64)
    kind = models.CharField(max_length=5, choices=Kind)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    port = models.PositiveIntegerField(null=True, help_text="Ours; empty: all of them.")
    datagrams = models.PositiveBigIntegerField(default=0)
    blind_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "losses"
        ordering = ["begin"]
        indexes = [models.Index(fields=["node", "end"], name="loss_node_end")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.node}, {self.begin:%H:%M:%S}"
