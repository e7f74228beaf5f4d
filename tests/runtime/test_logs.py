"""Logs go to standard error in the form that was configured, also where a logger was made before."""

import json
import subprocess
import sys

# A process of its own: structlog's configuration is the whole process's.
_SCRIPT = """
from sluis_runtime import logs
log = logs.logger("relay")
logs.configure("json")
log.info("holder connected", index=2)
"""


def test_a_logger_made_before_the_configuration_follows_it() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    said = json.loads(done.stderr)
    assert (said["event"], said["part"], said["index"], said["level"]) == ("holder connected", "relay", 2, "info")
