"""Where `koipond serve` answers on this machine (本机端口) unless told otherwise."""

DEFAULT_PORT = 8765
