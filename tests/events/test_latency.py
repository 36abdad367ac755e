from __future__ import annotations

import random

import pytest

from events.latency import BUCKETS, Histogram, Percentiles, bucket, merged


def plain(times: list[float], part: float) -> float:
    """The percentile as it is defined: the smallest that this part of all does not exceed."""
    ordered = sorted(times)
    return ordered[max(int(-(-part * len(ordered) // 1)) - 1, 0)]


@pytest.mark.parametrize("seed", range(5))
def test_percentiles_are_those_of_a_plain_computation(seed: int) -> None:
    chance = random.Random(seed)
    times = [chance.lognormvariate(2.5, 0.2 * (seed + 1)) for _ in range(5_000)]
    histogram = Histogram()
    for ms in times:
        histogram.add(ms)

    found = histogram.percentiles()

    assert found is not None
    for value, part in zip(found, (0.5, 0.95, 0.99), strict=True):
        assert value == pytest.approx(plain(times, part), rel=0.09)


def test_histograms_add_up_to_the_percentiles_of_all() -> None:
    chance = random.Random(7)
    quick = [chance.uniform(1, 20) for _ in range(900)]
    slow = [chance.uniform(200, 900) for _ in range(100)]
    parts = []
    for times in (quick[:300], quick[300:], slow):
        histogram = Histogram()
        for ms in times:
            histogram.add(ms)
        parts.append(histogram.pack())

    found = merged(parts)

    assert found.counts.total() == 1_000
    for part in (0.5, 0.89, 0.95, 0.99):
        assert found.percentile(part) == pytest.approx(plain(quick + slow, part), rel=0.09)


def test_histogram_survives_being_packed() -> None:
    histogram = Histogram()
    for ms in (0, 0.05, 3, 3, 3, 250, 10**9):
        histogram.add(ms)
    histogram.add(12, times=5)

    packed = histogram.pack()

    assert Histogram(packed).counts == histogram.counts
    assert len(packed) == 5 * len(histogram.counts)
    assert histogram.counts[BUCKETS - 1] == 1


def test_histogram_of_nothing_knows_no_percentile() -> None:
    assert Histogram().percentiles() is None
    assert merged([b"", b""]).percentile(0.5) is None


def test_histogram_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a histogram"):
        Histogram(b"abc")


def test_buckets_grow_by_an_eighth_of_an_octave() -> None:
    assert bucket(0.1) == bucket(0) == 0
    assert bucket(100) - bucket(50) == bucket(200) - bucket(100) == 8
    assert Histogram(b"").percentiles() != Percentiles(0, 0, 0)
