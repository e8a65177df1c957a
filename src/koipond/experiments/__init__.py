"""Experiments (实验): assignment, sufficient statistics, designs and off-policy evaluation."""
