"""Recommend (推荐): `buy_again` and `something_new`, with the evaluation that decides what is served.

Pure functions on purchases; EASE, item cosine, own frequency and popularity (science B8).
"""

from koipond.recommend.baskets import Baskets, popularity, read_baskets
from koipond.recommend.catalogue import eligibility_of
from koipond.recommend.evaluate import Evaluation, MethodScore, Verdict, evaluate
from koipond.recommend.face import buy_again, recommend_again, recommend_new, something_new
from koipond.recommend.item_models import cosine_neighbours, ease_weights
from koipond.recommend.ranking import Eligibility
from koipond.recommend.recommendation import Recommendation

__all__ = [
    "Baskets",
    "Eligibility",
    "Evaluation",
    "MethodScore",
    "Recommendation",
    "Verdict",
    "buy_again",
    "cosine_neighbours",
    "ease_weights",
    "eligibility_of",
    "evaluate",
    "popularity",
    "read_baskets",
    "recommend_again",
    "recommend_new",
    "something_new",
]
