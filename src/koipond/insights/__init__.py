"""Insights (洞察): lift reports and quality figures."""
