"""The process that is killed: asks the gate and sends, as `koipond send` does.

python -m tests.crash.sender FOLDER CHANNEL LIFE
"""

import sys
from pathlib import Path

from koipond.worker.sending import send_due
from tests.crash.scene import open_life, rounds


def main(folder: Path, channel: str, life: int) -> None:
    with open_life(folder, life) as app, app.channels() as channels:
        gate = app.store.gate(app.zone, quiet=app.settings.policy.quiet)
        print("ready", flush=True)
        for asked in rounds(app, channel, life):
            gate.admit(asked, app.clock.now(), "p1")
            send_due(app, channels)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
