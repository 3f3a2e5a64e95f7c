# SPDX-License-Identifier: Apache-2.0
"""Faults: the scenarios' user and fixtures, with the program made to fail at named points (SLIPWAY_FAILPOINT)."""
import importlib.util
from pathlib import Path

_path = Path(__file__).resolve().parents[1] / "scenario" / "conftest.py"
_spec = importlib.util.spec_from_file_location("scenario_conftest", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
globals().update({name: value for name, value in vars(_module).items() if not name.startswith("_")})
