"""An extension of vLLM's worker whose import never ends, as if a model's weights took for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

LOADING = "RACRO_TEST_LOADING"
"""The variable that names the file which says that the import has begun."""

if LOADING in os.environ:
    Path(os.environ[LOADING]).touch()
    time.sleep(600)


class Extension:
    """Nothing is added."""
