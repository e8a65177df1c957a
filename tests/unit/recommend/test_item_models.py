import numpy as np
import pytest
from scipy import sparse

from koipond.kernel import InputError
from koipond.recommend import cosine_neighbours, ease_weights
from koipond.recommend.item_models import EASE_ITEMS_MAX


def _bought(customers: int = 300, items: int = 40, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix((rng.random((customers, items)) < 0.15).astype(float))


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    bought = _bought()
    dense = bought.toarray()
    weights = ease_weights(bought, ridge=30.0)
    assert np.all(np.diag(weights) == 0)
    for item in (0, 7, 39):
        others = np.delete(np.arange(40), item)
        left = dense[:, others]
        expected = np.linalg.solve(left.T @ left + 30.0 * np.eye(39), left.T @ dense[:, item])
        assert weights[others, item] == pytest.approx(expected, abs=1e-10)


def test_ease_over_many_blocks_is_the_closed_form() -> None:
    bought = _bought(items=600, customers=200)
    gram = (bought.T @ bought).toarray() + 200 * np.eye(600)
    inverse = np.linalg.inv(gram)
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    assert np.abs(ease_weights(bought) - expected).max() < 1e-9


def test_ease_refuses_more_items_than_it_can_hold_and_a_ridge_of_nothing() -> None:
    with pytest.raises(InputError, match="20000"):
        ease_weights(sparse.csr_matrix((1, EASE_ITEMS_MAX + 1)))
    with pytest.raises(InputError, match="ridge"):
        ease_weights(_bought(), ridge=0.0)


def test_cosine_keeps_the_nearest_items_and_no_item_itself() -> None:
    bought = _bought(items=60)
    dense = bought.toarray()
    norm = np.linalg.norm(dense, axis=0)
    exact = dense.T @ dense / norm[:, None] / norm
    np.fill_diagonal(exact, 0)
    assert cosine_neighbours(bought, neighbours=60).toarray() == pytest.approx(exact)
    few = cosine_neighbours(bought, neighbours=5).toarray()
    assert np.all(few.diagonal() == 0)
    for item in range(60):
        kept = np.flatnonzero(few[:, item])
        assert few[kept, item] == pytest.approx(exact[kept, item])
        assert exact[kept, item].min() >= np.sort(exact[:, item])[-5] - 1e-12
        assert len(kept) >= 5


def test_an_item_nobody_bought_is_near_to_nothing() -> None:
    bought = sparse.csr_matrix(np.array([[1.0, 0, 1], [1, 0, 0]]))
    assert cosine_neighbours(bought).toarray()[1].tolist() == [0, 0, 0]
