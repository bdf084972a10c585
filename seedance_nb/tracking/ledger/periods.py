"""Days and months of limits: they begin and end at midnight UTC, by the ledger's clock. Pure."""

from __future__ import annotations

import datetime as dt

DAY, MONTH, EVER = "day", "month", "ever"
PERIODS = (DAY, MONTH, EVER)
IN_WORDS = {DAY: "a day", MONTH: "a month", EVER: "in all"}


def day_of(at: float) -> str:
    """The day, in UTC, as `2026-11-27`: such texts are in the order of the days."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


def first_day(per: str, now: float) -> str:
    """The first day of the day or month that it is; "" of all time."""
    today = day_of(now)
    return {DAY: today, MONTH: f"{today[:7]}-01", EVER: ""}[per]


def renews_at(per: str, now: float) -> float | None:
    """When the next one begins, in epoch seconds; None for all time."""
    if per == EVER:
        return None
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    day = dt.timedelta(days=1)
    following = today + day if per == DAY else (today.replace(day=28) + 4 * day).replace(day=1)
    return dt.datetime.combine(following, dt.time(), dt.UTC).timestamp()


def renewal_in_words(per: str, now: float) -> str:
    """When it renews, and in how long."""
    at = renews_at(per, now)
    if at is None:
        return "does not renew"
    minutes = max(1, round((at - now) / 60))
    left = (
        f"{minutes // 1440} d {minutes % 1440 // 60} h" if minutes >= 1440 else f"{minutes // 60} h {minutes % 60} min"
    )
    return f"renews {day_of(at)} 00:00 UTC (in {left})"
