"""Kills at every durable step, compared row by row with an undisturbed run."""
