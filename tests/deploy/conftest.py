"""The programs in deploy/ can be imported, and a class can be configured and started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))
