"""Crash suite (BAR-R1): a sending process is killed at random points; nothing may vanish or go out twice."""
