"""Ingest (采集): fact contracts, normalising, quarantine and data quality. Pure; ports in `ports`."""
