"""Sample-ratio check (样本比例失衡): do the arms have the sizes that assignment meant? Pure.

When they do not, something dropped customers by arm and no effect below can be trusted (science D6: alarm at
p < 0.001).
"""

from collections.abc import Mapping

from scipy.special import chdtrc

from koipond.kernel import InputError, Message, joined

ALARM = 0.001


def sample_ratio_p(counts: Mapping[str, int], expected: Mapping[str, float] | None = None) -> float:
    """Return the chi-square p of arm sizes ``counts`` against the shares ``expected`` (default: equal).

    Raises InputError for fewer than two arms, an arm without a share, or nobody at all.
    """
    shares = dict(expected) if expected is not None else dict.fromkeys(counts, 1.0)
    wrong = [Message("no expected share of arm {arm}", arm=arm) for arm in counts if arm not in shares]
    wrong += [Message("arm {arm} is expected and absent", arm=arm) for arm in shares if arm not in counts]
    wrong += [
        Message("the share of arm {arm} must be above 0", arm=arm)
        for arm, share in shares.items()
        if not share > 0
    ]
    wrong += [Message("arm {arm} has {n} customers", arm=arm, n=n) for arm, n in counts.items() if n < 0]
    if len(counts) < 2:
        wrong.append(Message("a sample ratio needs two arms"))
    if wrong:
        raise InputError(joined("; ", wrong))
    total, whole = sum(counts.values()), sum(shares.values())
    if not total:
        raise InputError("nobody is in any arm")
    meant = {arm: total * share / whole for arm, share in shares.items()}
    chi_square = sum((counts[arm] - meant[arm]) ** 2 / meant[arm] for arm in counts)
    return float(chdtrc(len(counts) - 1, chi_square))
