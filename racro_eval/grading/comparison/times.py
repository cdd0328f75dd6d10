"""Times of day and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HALVES = {
    **dict.fromkeys(("a", "凌晨", "早上", "上午"), "am"),
    **dict.fromkeys(("p", "下午", "晚上", "傍晚"), "pm"),
}
_HOUR = r"(?P<hour>\d{1,2})"
_HALF = r"(?P<half>[ap])\.?\s?m\.?"
_CHINESE_HOUR = rf"(?P<half>{'|'.join(word for word in _HALVES if len(word) > 1)})?{_HOUR}"
_CLOCKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_HOUR}:(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?\s*(?:{_HALF}|o'clock|hours)?",
        rf"{_HOUR}\s*(?:{_HALF}|o'clock)",
        rf"{_CHINESE_HOUR}点(?:(?P<minute>\d{{1,2}}|半(?!分))分?|[整钟])?",
        rf"{_CHINESE_HOUR}时(?P<minute>\d{{1,2}})分",
    )
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}-(?P<number>\d{{1,2}})-(?P<day>\d{{1,2}})",
        rf"(?:{_YEAR}年)?(?P<number>\d{{1,2}})月(?P<day>\d{{1,2}})[日号]",
        rf"{_MONTH}\s*{_DAY}(?:,?\s*{_YEAR})?",
        rf"(?:the )?{_DAY}(?: of)?\s*{_MONTH}(?:,?\s*{_YEAR})?",
    )
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; half is "", "am" or "pm"."""

    hour: int
    minute: int
    second: int
    half: str

    def same_as(self, other: Clock) -> bool:
        """Whether the times are equal; one without a half of the day may be in either half."""
        known = [clock.half or clock.hour > 12 or clock.hour == 0 for clock in (self, other)]
        day = 24 * 3600 if all(known) else 12 * 3600
        return (self._seconds() - other._seconds()) % day == 0

    def _seconds(self) -> int:
        hour = self.hour % 12 + 12 * (self.half == "pm") if self.half else self.hour
        return hour * 3600 + self.minute * 60 + self.second


@dataclass(frozen=True, slots=True)
class Date:
    """A day; the year is 0 if it is not stated."""

    year: int
    month: int
    day: int

    def same_as(self, other: Date) -> bool:
        """Whether the dates are equal; one of them may have no year."""
        years = self.year == other.year or 0 in (self.year, other.year)
        return years and (self.month, self.day) == (other.month, other.day)


def read_clock(text: str) -> Clock | None:
    """Read `3:30`, `3:30 PM`, `3 PM`, `15:30:20` or `下午3点半`; None for other texts."""
    for pattern in _CLOCKS:
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            minute = parts.get("minute") or 0
            clock = Clock(
                int(parts["hour"]),
                30 if minute == "半" else int(minute),
                int(parts.get("second") or 0),
                _HALVES.get((parts["half"] or "").lower(), ""),
            )
            return clock if clock.hour <= 24 and clock.minute <= 59 else None
    return None


def read_date(text: str) -> Date | None:
    """Read `2023-05-01`, `May 1, 2023`, `1 May 2023` or `2023年5月1日`; None for other texts."""
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            month = parts.get("number") or _MONTHS.index(parts["month"][:3].lower()) + 1
            day, year = int(parts["day"]), int(parts["year"] or 0)
            valid = 1 <= int(month) <= 12 and 1 <= day <= 31
            return Date(year, int(month), day) if valid else None
    return None
