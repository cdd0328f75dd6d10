"""Formulas, each against an independent implementation of it."""

from __future__ import annotations

from itertools import combinations
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from racro_eval.leaderboard.statistics import (
    bootstrap,
    deviation,
    holm,
    mcnemar,
    mean_interval,
    minimum_detectable,
    pass_at_k,
    sign_flip,
    standard_error,
    wilson,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize(
    ("correct", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 30), (1180, 3040), (447, 5000)]
)
def test_wilson_is_scipys_and_statsmodels(correct: int, n: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    ours = wilson(correct, n)
    theirs = stats.binomtest(correct, n).proportion_ci(method="wilson")
    assert ours == pytest.approx((theirs.low, theirs.high))
    assert ours == pytest.approx(proportion_confint(correct, n, method="wilson"))


@pytest.mark.parametrize(
    ("one", "other"), [(0, 0), (0, 1), (5, 5), (3, 12), (12, 3), (0, 40), (900, 1000)]
)
def test_mcnemar_is_the_exact_binomial_test(one: int, other: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as theirs

    expected = theirs([[0, one], [other, 0]], exact=True).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected)
    if one + other:
        assert mcnemar(one, other) == pytest.approx(stats.binomtest(one, one + other).pvalue)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    expected = list(multipletests(p_values, method="holm")[1]) if p_values else []
    assert holm(p_values) == pytest.approx(expected)


class TestBootstrap:
    VALUES = [0.0] * 200 + [0.5] * 90 + [1.0] * 235

    def test_is_that_of_scipy_up_to_the_noise_of_resampling(self) -> None:
        theirs = stats.bootstrap(
            (self.VALUES,),
            np.mean,
            n_resamples=10_000,
            method="percentile",
            rng=np.random.default_rng(1),
        ).confidence_interval
        assert bootstrap(self.VALUES) == pytest.approx((theirs.low, theirs.high), abs=0.003)

    def test_agrees_with_the_normal_approximation(self) -> None:
        mean, error = np.mean(self.VALUES), stats.sem(self.VALUES)
        normal = (mean - 1.96 * error, mean + 1.96 * error)
        assert bootstrap(self.VALUES) == pytest.approx(normal, abs=0.003)

    def test_is_the_same_for_the_same_seed_whatever_the_order(self) -> None:
        assert bootstrap(self.VALUES, 3) == bootstrap(self.VALUES[::-1], 3)
        assert bootstrap(self.VALUES, 3) != bootstrap(self.VALUES, 4)

    def test_of_equal_values_is_that_value(self) -> None:
        assert bootstrap([0.25] * 7) == (0.25, 0.25)

    def test_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            bootstrap([])


class TestSignFlip:
    def test_is_the_exact_randomisation_test_up_to_noise(self) -> None:
        differences = [0.5, -0.2, 0.3, 0.9, 0.4, 0.1, -0.1, 0.0, 0.7]
        exact = stats.permutation_test(
            (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
        ).pvalue
        assert sign_flip(differences) == pytest.approx(exact, abs=0.01)

    def test_of_verdicts_is_mcnemars(self) -> None:
        differences = [1.0] * 14 + [-1.0] * 4 + [0.0] * 30
        assert sign_flip(differences) == pytest.approx(mcnemar(14, 4), abs=0.01)

    def test_is_never_zero_since_the_observed_signs_are_among_those_drawn(self) -> None:
        assert sign_flip([1.0] * 60) == 1 / 10_001

    def test_counts_draws_as_far_from_zero_as_what_was_observed(self) -> None:
        assert sign_flip([0.5]) == 1.0, "either sign of a single difference is as extreme"
        assert sign_flip([1.0, 1.0]) == pytest.approx(0.5, abs=0.02)

    def test_is_the_same_for_the_same_seed(self) -> None:
        differences = [0.5, -0.2, 0.3, 0.9, 0.4, 0.1]
        assert sign_flip(differences, 3) == sign_flip(differences[::-1], 3)
        assert sign_flip(differences, 3) != sign_flip(differences, 4)

    def test_differences_that_floats_have_blurred_are_of_one_size(self) -> None:
        assert sign_flip([0.1 + 0.2, -0.3]) == sign_flip([0.3, -0.3])

    def test_of_no_difference_is_1(self) -> None:
        assert sign_flip([0.0, 0.0]) == 1.0


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_answer(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    k = data.draw(st.integers(1, n))
    draws = list(combinations(range(n), k))
    passed = sum(any(answer < correct for answer in draw) for draw in draws)
    assert len(draws) == comb(n, k)
    assert pass_at_k(n, correct, k) == pytest.approx(passed / len(draws))


def test_pass_at_k_of_fewer_than_k_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="pass@5 needs at least 5 answers; there are 4"):
        pass_at_k(4, 1, 5)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=40))
def test_deviation_and_standard_error_are_numpys(values: list[float]) -> None:
    assert deviation(values) == pytest.approx(np.std(values, ddof=1))
    assert standard_error(values) == pytest.approx(stats.sem(values))


def test_a_single_value_has_no_spread() -> None:
    assert deviation([1.0]) == standard_error([1.0]) == standard_error([]) == 0.0


def test_the_detectable_difference_has_the_power_it_promises() -> None:
    """Of true differences of that size, four in five are found."""
    n, shift = 400, 0.0
    random = np.random.default_rng(0)
    spread = 0.6
    shift = minimum_detectable(spread, n)
    draws = random.normal(shift, spread, size=(4000, n))
    found = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_the_detectable_difference_of_two_accuracies_is_statsmodels() -> None:
    from statsmodels.stats.power import NormalIndPower

    n = 3040
    effect = NormalIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8)
    assert minimum_detectable(sqrt(0.5), n) == pytest.approx(effect / 2, rel=1e-3)


def test_the_interval_of_a_mean_of_benchmarks() -> None:
    low, high = mean_interval([(40.0, 3.0), (60.0, 4.0)])
    assert (low + high) / 2 == pytest.approx(50.0)
    assert (high - low) / 2 == pytest.approx(1.959964 * 2.5)
