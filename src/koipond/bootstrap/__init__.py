"""Bootstrap: builds the adapters a command needs from settings; no container, no globals."""
