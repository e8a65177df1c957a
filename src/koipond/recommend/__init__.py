"""Recommend (推荐): buy again, and something new."""
