"""Channels (渠道): the outside world behind one port."""
