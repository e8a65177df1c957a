"""Outreach (触达): the gate's rules, rendering and delivery states."""
