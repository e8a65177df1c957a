"""Segments (人群): layers, tags, segments and their refresh."""
