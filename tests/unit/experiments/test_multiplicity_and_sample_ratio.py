import pytest

from koipond.experiments.multiplicity import benjamini_hochberg, holm
from koipond.experiments.sample_ratio import sample_ratio_p
from koipond.kernel import InputError


def test_holm_and_benjamini_hochberg_equal_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04, 1.0, 0.0]
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert holm([]) == []


def test_a_p_value_outside_0_and_1_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        holm([0.1, float("nan")])


def test_sample_ratio_equals_pearsons_chi_square() -> None:
    from scipy.stats import chisquare

    counts = {"control": 512, "a": 9200, "b": 288}
    shares = {"control": 5.0, "a": 92.0, "b": 3.0}
    expected = [10_000 * share / 100 for share in shares.values()]
    assert sample_ratio_p(counts, shares) == pytest.approx(chisquare(list(counts.values()), expected).pvalue)
    assert sample_ratio_p({"control": 500, "a": 500}) == 1.0
    assert sample_ratio_p({"control": 500, "a": 600}) < 0.01


def test_everything_wrong_with_the_expected_shares_is_named_at_once() -> None:
    with pytest.raises(
        InputError, match=r"no expected share of arm b.*arm c is expected and absent.*must be above 0"
    ):
        sample_ratio_p({"a": 1, "b": 1}, {"a": 0.0, "c": 1.0})
