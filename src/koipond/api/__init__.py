"""API: health, report and inbox pages on loopback."""
