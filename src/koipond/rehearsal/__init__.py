"""Rehearsal (预演): a simulated brand on a virtual clock."""
