"""Write every model of tests/models again: `make models`, or `python -m tests.models.export [FAMILY...]`."""

import importlib
import sys

FAMILIES = ("sklearn_models", "lightgbm_models", "xgboost_models", "catboost_models", "torch_models", "hand_made")

for family in sys.argv[1:] or FAMILIES:
    importlib.import_module(f"tests.models.export.{family}").export()
