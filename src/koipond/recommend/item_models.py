"""Which items go together (物品关联): EASE and item cosine on the bought matrix. Pure.

EASE: Steck (2019), "Embarrassingly shallow autoencoders for sparse data": the ridge regression of every item
on all others, in closed form. It inverts items × items, so it stops at 20,000; above that, item cosine with
a bounded number of neighbours.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from koipond.kernel import InputError

EASE_ITEMS_MAX = 20_000
EASE_RIDGE = 200.0
NEIGHBOURS = 200
_SINGLE_ABOVE = 8_000
_BLOCK = 512


def ease_weights(bought: Any, *, ridge: float = EASE_RIDGE) -> npt.NDArray[Any]:
    """Return the items × items weights W with a zero diagonal; scores are ``bought @ W`` (Steck 2019, eq. 8).

    Single precision above 8,000 items (1.6 GB at 20,000). Raises InputError above ``EASE_ITEMS_MAX`` or for a
    ridge that is not above 0.
    """
    items = bought.shape[1]
    if items > EASE_ITEMS_MAX:
        raise InputError(
            "EASE takes up to {ease_items_max} items, there are {items}; use item cosine",
            ease_items_max=EASE_ITEMS_MAX,
            items=items,
        )
    if not ridge > 0:
        raise InputError("ridge must be above 0, not {ridge}", ridge=ridge)
    kind = np.float32 if items > _SINGLE_ABOVE else np.float64
    gram = np.empty((items, items), dtype=kind, order="F")
    columns, rows = bought.tocsc(), bought.T.tocsr()
    for start in range(0, items, _BLOCK):
        gram[:, start : start + _BLOCK] = (rows @ columns[:, start : start + _BLOCK]).toarray()
    gram[np.diag_indices(items)] += kind(ridge)
    potrf, potri = linalg.get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, failed = potrf(gram, lower=1, overwrite_a=1)
    assert failed == 0, "a Gram matrix plus a ridge is positive definite"
    inverse, failed = potri(factor, lower=1, overwrite_c=1)
    assert failed == 0
    for start in range(0, items, _BLOCK):  # potri fills the lower triangle only
        stop = min(start + _BLOCK, items)
        block = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = block + np.tril(block, -1).T
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
    inverse /= -np.diag(inverse).copy()
    inverse[np.diag_indices(items)] = 0
    return np.asarray(inverse)


def cosine_neighbours(bought: Any, *, neighbours: int = NEIGHBOURS) -> Any:
    """Return sparse items × items cosine similarities, the ``neighbours`` largest of each item, no diagonal.

    Scores are ``bought @ C``. Built 512 items at a time, so memory is items × neighbours, not items².
    """
    counts = np.asarray(bought.sum(axis=0)).ravel()
    scale = 1 / np.sqrt(np.maximum(counts, 1))
    unit = (bought @ sparse.diags(scale)).tocsc()
    rows = unit.T.tocsr()
    blocks = []
    for start in range(0, bought.shape[1], _BLOCK):
        block = (rows[start : start + _BLOCK] @ unit).toarray()
        width = block.shape[0]
        block[np.arange(width), start + np.arange(width)] = 0
        if neighbours < block.shape[1]:
            least = np.partition(block, -neighbours, axis=1)[:, -neighbours]
            block[block < least[:, None]] = 0
        blocks.append(sparse.csr_matrix(block))
    return sparse.vstack(blocks).T.tocsr()
