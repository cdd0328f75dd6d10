"""Let torchvision's Python part be imported where its compiled operators are not to be had.

vLLM's Qwen2.5-VL imports torchvision, of which there is no build for the CPU build of torch. Its
Python part works once the two operators that it registers names for exist. Run as a script this
installs, into the environment that runs it, a start-up hook that defines them before torchvision is
imported; it does nothing where torchvision is whole or absent.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

HOOK = """
import importlib.abc, sys

class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch
            boxes = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            for operator in ("nms", "qnms"):
                torch.library.define(f"torchvision::{operator}", boxes)
        return None

sys.meta_path.insert(0, _Finder())
"""


def install() -> None:
    """Write the hook into site-packages, if torchvision is there but cannot be imported."""
    if importlib.util.find_spec("torchvision") is None:
        return
    done = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True)
    if done.returncode == 0:
        return
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "_torchvision_names.py").write_text(HOOK)
    (site / "_torchvision_names.pth").write_text("import _torchvision_names\n")


if __name__ == "__main__":
    install()
