"""Every reason for putting a row aside has its words."""

from koipond.ingest.model import ROW_RULES
from koipond.ingest.rule_words import RULE_WORDS


def test_each_rule_is_said_in_the_three_languages() -> None:
    assert list(RULE_WORDS) == list(ROW_RULES)
    assert {tuple(words) for words in RULE_WORDS.values()} == {("zh", "en", "id")}
