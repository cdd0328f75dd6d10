"""Units of measurement: splits them from the value of an answer, and knows their factors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

# Name → dimension, and factor to the base unit of the dimension. Powers are supported ("cm^2"), and
# one division ("km/h"). Factors are texts until they are used: a hundred fractions would slow down
# every import.
_BASE: dict[str, tuple[str, str]] = {}


def _define(dimension: str, table: dict[str, str]) -> None:
    for names, factor in table.items():
        for name in names.split():
            _BASE[name] = (dimension, factor)


_define(
    "length",
    {
        "mm millimeter millimeters millimetre millimetres 毫米": "1/1000",
        "cm centimeter centimeters centimetre centimetres 厘米": "1/100",
        "dm decimeter decimeters 分米": "1/10",
        "m meter meters metre metres 米": "1",
        "km kilometer kilometers kilometre kilometres 千米 公里": "1000",
        "in inch inches": "127/5000",
        "ft foot feet": "381/1250",
        "yd yard yards": "1143/1250",
        "mi mile miles": "201168/125",
    },
)
_define(
    "mass",
    {
        "mg milligram milligrams": "1/1000",
        "g gram grams 克": "1",
        "kg kilogram kilograms 千克 公斤": "1000",
        "ton tons tonne tonnes 吨": "1000000",
    },
)
_define(
    "time",
    {
        "s sec second seconds 秒": "1",
        "min mins minute minutes 分钟": "60",
        "h hr hrs hour hours 小时": "3600",
        "day days 天": "86400",
        "week weeks": "604800",
    },
)
_define(
    "length^3",
    {
        "ml mL milliliter milliliters 毫升": "1/1000000",
        "l L liter liters litre litres 升": "1/1000",
    },
)
_define("angle", {"°": "1"})
_define("money", {"$ dollar dollars 美元": "1", "cent cents ¢": "1/100"})
_define("euro", {"€ euro euros": "1"})
_define("pound", {"£": "1"})
_define("yuan", {"¥ yuan 元": "1", "角": "1/10"})
_define("celsius", {"°C": "1"})
_define("fahrenheit", {"°F": "1"})
_define("force", {"N newton newtons 牛": "1", "kN": "1000"})
_define("energy", {"J joule joules": "1", "kJ": "1000"})
_define("power", {"W watt watts": "1", "kW": "1000", "MW": "1000000"})
_define("voltage", {"V volt volts": "1", "mV": "1/1000", "kV": "1000"})
_define("current", {"A amp amps": "1", "mA": "1/1000"})
_define("frequency", {"Hz hertz": "1", "kHz": "1000", "MHz": "1000000"})
_define("pressure", {"Pa pascal pascals": "1", "kPa": "1000"})
_define("radian", {"rad radian radians": "1"})
_define("", {"unit units": "1"})

_PREFIX = re.compile(r"(?P<sign>-?)(?P<unit>[$€£¥])\s*(?P<value>[-+]?[\d.\\(].*)")
_SYMBOL = re.compile(r"(?P<value>.*[^\s^])\s*(?P<unit>°\s?[CF]?|[$€£¥¢])", re.DOTALL)
_WORD = r"(?:[A-Za-zμ]+\.?|[\u4e00-\u9fff]+)"
_NAME = rf"{_WORD}(?:\s*\^\{{-?\d\}})?(?:[\s/*]+{_WORD}(?:\s*\^\{{-?\d\}})?){{0,5}}"
_WORDS = re.compile(
    r"(?P<value>.*?(?:[\d)}!\]]|\\pi|\\infty))(?P<gap>\s*)"
    rf"(?P<brace>\{{\s*)?(?P<name>{_NAME})(?(brace)\s*\}})",
    re.DOTALL,
)
# 12种: there is no space between a number and a Chinese measure word.
_MEASURE_WORD = re.compile(r"[\u4e00-\u9fff]{1,5}")
_POWER = re.compile(
    r"(?:(square|sq\.?|cubic|平方|立方)\s*)?([A-Za-z\u4e00-\u9fff]+)\.?\s*(?:\^\{([123])\})?"
)
_POWERS = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "平方": 2, "立方": 3}
_TRIGONOMETRIC = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-zA-Z])")
_OVER = re.compile(
    r"(?<=[\d})])\s*\\frac\{([a-zA-Z]{1,3})\}\{((?:s|h|min|hr|m|cm|km|L)(?:\^\{\d\})?)\}$"
)
_PER = re.compile(r"(?<=[a-zA-Z])[\s*]+([a-zA-Z]{1,3})\^\{-(\d)\}$")
_COMPOUND = re.compile(r"(?:\d+(?:\.\d+)?\s*[a-zA-Z\u4e00-\u9fff]+[\s,]*(?:and\s+)?){2,4}")
_COMPOUND_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z\u4e00-\u9fff]+)")
_NO_UNIT = re.compile(r"and|or|to|if|because|since|for|than|is|are|not|when|where|per")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit. name: as written. dimension: what it measures; None if the unit is not known."""

    name: str
    dimension: str | None
    factor: Fraction


def split_unit(text: str) -> tuple[str, Unit] | None:
    """Split normalised `8\\sqrt{3}{squareinches}` or `$0.75` into value and unit.

    None if there is no unit. A single letter is a unit only after a space: `5m` may be a product.
    Other words are units if there is a space before them (`3 apples`).
    """
    match = _PREFIX.fullmatch(text)
    if match:
        return match["sign"] + match["value"], _unit(match["unit"])
    match = _SYMBOL.fullmatch(text)
    if match and match["unit"] == "°" and _TRIGONOMETRIC.search(match["value"]):
        return None  # the degrees belong to the argument of the sine
    if match:
        return match["value"].rstrip(), _unit(match["unit"].replace(" ", ""))
    text = _PER.sub(r"/\1^{\2}", _OVER.sub(r" \1/\2", text))
    match = _WORDS.fullmatch(text)
    if match is None:
        return None
    name = match["name"]
    words = re.findall(_WORD, name)
    unit = _unit(name)
    spaced = bool(match["gap"] or match["brace"])
    if _MEASURE_WORD.fullmatch(name):
        return match["value"], unit
    if unit.dimension is None:
        known = spaced and max(map(len, words)) > 2 and not any(map(_NO_UNIT.fullmatch, words))
        return (match["value"], unit) if known else None
    return (match["value"], unit) if spaced or len(words[0]) > 1 else None


def sum_of_units(text: str) -> tuple[str, Unit] | None:
    """`1 h 30 min` or `5 ft 6 in` as a value in the first unit; None for other texts."""
    if not _COMPOUND.fullmatch(text):
        return None
    parts = [(value, _unit(name)) for value, name in _COMPOUND_PART.findall(text)]
    first = parts[0][1]
    if first.dimension is None or any(unit.dimension != first.dimension for _, unit in parts):
        return None
    total = sum(Fraction(value) * unit.factor for value, unit in parts) / first.factor
    return rf"\frac{{{total.numerator}}}{{{total.denominator}}}", first


def _unit(name: str) -> Unit:
    name = re.sub(r"\s*\bper\b\s*", "/", name.strip())
    top, slash, bottom = name.partition("/")
    known = _power(top)
    if known and slash:
        below = _power(bottom)
        known = (f"{known[0]}/{below[0]}", known[1] / below[1]) if below else None
    dimension, factor = known or (None, Fraction(1))
    return Unit(name, dimension, factor)


def _power(name: str) -> tuple[str, Fraction] | None:
    match = _POWER.fullmatch(name.strip())
    word = match[2] if match else name.strip()
    base = _BASE.get(word) or _BASE.get(word.lower())
    if base is None:
        return None
    power = _POWERS.get(match[1] or "", int(match[3] or 1)) if match else 1
    dimension = base[0] if power == 1 or base[0] == "" else f"{base[0]}^{power}"
    return dimension, Fraction(base[1]) ** power
