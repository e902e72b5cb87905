"""Data and a model for `scoring demo`.

Made once by ``python -m scoring.demo.export`` and shipped with the package: using them needs no scikit-learn.

The data are the Breast Cancer Wisconsin (Diagnostic) data set of W. Wolberg, O. Mangasarian, N. Street and W. Street,
UCI Machine Learning Repository, https://doi.org/10.24432/C5DW2B, licensed CC BY 4.0, as they ship with scikit-learn.
"""

from pathlib import Path

MODEL = Path(__file__).with_name("tumour.onnx")
"""ONNX pipeline (scaler, logistic regression) with a ZipMap; its metadata name the 30 features."""

CASES = Path(__file__).with_name("cases.parquet")
"""The half of the data set that the model was not trained on: 285 rows."""

KEY = "case"
"""int64 column of CASES: position of the row in the data set."""

LABEL = "diagnosis"
"""string column of CASES: benign or malignant."""
