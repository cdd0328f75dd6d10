"""Intervals, paired tests, and estimates from several answers; docs/scoring.md has the sources.

All random numbers come from a seed, so that the same results lead to the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import comb, sqrt
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
POWER = 0.8
Interval = tuple[float, float]


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def wilson(correct: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a share, in 0..1 (Wilson 1927). Raises ValueError for n = 0."""
    if n < 1:
        raise ValueError("an interval needs at least one row")
    z = _z((1 + confidence) / 2)
    share, shrink = correct / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / shrink
    half = z / shrink * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(values: Iterable[float], seed: int = 0, confidence: float = CONFIDENCE) -> Interval:
    """Percentile-bootstrap interval of a mean (Efron 1979), resampling the values.

    There are few distinct values (a verdict, a share of n answers). Drawing n values with
    replacement is therefore one multinomial draw of their counts, which is fast.
    """
    import numpy as np

    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(_resampled_means(values, seed), [tail, 100 - tail])
    return float(low), float(high)


def _resampled_means(values: Iterable[float], seed: int) -> NDArray[np.float64]:
    import numpy as np

    counts = sorted(Counter(values).items())
    n = sum(count for _, count in counts)
    if not n:
        raise ValueError("an interval needs at least one value")
    shares = np.array([count for _, count in counts]) / n
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=RESAMPLES)
    means: NDArray[np.float64] = drawn @ np.array([value for value, _ in counts]) / n
    return means


def deviation(values: Iterable[float]) -> float:
    """Standard deviation of a sample (divisor n - 1), 0 for fewer than two values."""
    counts = Counter(values)
    n = sum(counts.values())
    if n < 2:
        return 0.0
    mean = sum(value * count for value, count in counts.items()) / n
    return sqrt(sum(count * (value - mean) ** 2 for value, count in counts.items()) / (n - 1))


def standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean of independent values, 0 for fewer than two."""
    return deviation(values) / sqrt(len(values)) if values else 0.0


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of the exact McNemar test (McNemar 1947), from the discordant pairs.

    Twice the smaller tail of a binomial with probability 1/2, at most 1, in exact arithmetic.
    """
    n = only_first + only_second
    ways = tail = 1
    for k in range(min(only_first, only_second)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, float(Fraction(2 * tail, 2**n)))


def sign_flip(differences: Sequence[float], seed: int = 0) -> float:
    """Two-sided p of the paired randomisation test of a mean difference (Fisher 1935).

    The signs of the differences are drawn at random RESAMPLES times. p is the share of draws, with
    the observed signs as one of them, whose sum is at least as far from 0. For units that are not
    plain verdicts.
    """
    import numpy as np

    sizes = Counter(round(abs(value), 9) for value in differences if value)
    observed = abs(sum(round(value, 9) for value in differences))
    random = np.random.default_rng(seed)
    sums = np.zeros(RESAMPLES)
    for size, count in sorted(sizes.items()):
        sums += size * (2 * random.binomial(count, 0.5, size=RESAMPLES) - count)
    extreme = int(np.count_nonzero(np.abs(sums) >= observed - 1e-9))
    return (extreme + 1) / (RESAMPLES + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The adjusted p of each test of a family, in the same order (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, number in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = largest
    return adjusted


def minimum_detectable(deviation: float, n: int, power: float = POWER) -> float:
    """The smallest true mean difference that a two-sided 5 % test detects with this power.

    deviation: standard deviation of one paired difference; for two independent accuracies around
    1/2 it is sqrt(2)/2. The result has the same units (Card et al. 2020 use the same formula for
    paired accuracies).
    """
    return (_z((1 + CONFIDENCE) / 2) + _z(power)) * deviation / sqrt(n)


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The probability that k of n answers, drawn without replacement, contain a correct one.

    The unbiased estimate of pass@k (Chen et al. 2021). Raises ValueError unless 1 <= k <= n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} answers; there are {n}")
    return 1 - comb(n - correct, k) / comb(n, k)


def mean_interval(parts: Sequence[tuple[float, float]]) -> Interval:
    """95 % interval of the unweighted mean of independent scores (value, standard error)."""
    middle = fmean(value for value, _ in parts)
    half = _z((1 + CONFIDENCE) / 2) * sqrt(sum(error**2 for _, error in parts)) / len(parts)
    return middle - half, middle + half
