"""The few shapes that queries have. `where` is a selector with its braces."""

PER_SECOND = "$__rate_interval"
REMEMBERED = "20s"  # four scrapes


def remembered(gauge: str) -> str:
    """As it was when last seen. A scrape that fails, as some do while a process is overloaded, ends every series at
    once: what has to hold for a while would begin anew each time."""
    return f"last_over_time({gauge}[{REMEMBERED}])"


def per_second(counter: str, *by: str, where: str = "", over: str = PER_SECOND) -> str:
    return f"sum{_by(by)}(rate({counter}{where}[{over}]))"


def mean(histogram: str, *by: str, where: str = "", over: str = PER_SECOND) -> str:
    """Nothing, rather than no number, where nothing was observed."""
    total = per_second(f"{histogram}_count", *by, where=where, over=over)
    return f"{per_second(f'{histogram}_sum', *by, where=where, over=over)} / ({total} > 0)"


def quantile(share: float, rates: str, *by: str, where: str = "") -> str:
    """`rates` are those of a histogram's buckets, as recorded."""
    return f"histogram_quantile({share:g}, sum{_by((*by, 'le'))}({rates}{where}))"


def spread(histogram: str, where: str = "") -> str:
    """For a heat map. Raw buckets, for these have the exemplars; a fixed minute, so that a day of it is quick."""
    return f"sum by (le) (increase({histogram}_bucket{where}[1m]))"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""
