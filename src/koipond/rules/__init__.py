"""Rules (规则): one condition tree, three readings: Ibis, in memory, in words."""
