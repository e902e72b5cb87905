"""Do late labels ripen to scikit-learn's figures?  `python -m benchmarks.ripening TRAIN.csv TEST.csv`

A model of the census is trained and the test file scored without labels. The labels come in three parts, as CSV,
Parquet and JSON lines, with overlaps that replace what was wrong. After each part every metric must equal
scikit-learn's over the rows labelled so far, and at the end those of the same job with the labels in its input, to the
last bit. Needs the extra `dev`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.agreement import CLASSES, LABEL, compare, read, sklearn_model
from benchmarks.process import SCORING

BY_KEY = ("--key", "key", "--label", LABEL)
# First and last row of each part, as shares of the file; the end of the first one is wrong until the second comes.
PARTS = (("a.csv", 0.0, 0.5), ("b.parquet", 0.4, 0.8), ("c.jsonl", 0.7, 1.0))
WRONG_FROM = 0.4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scoring-ripening-") as folder:
        return int(not ripens(Path(folder), read(given.train), read(given.test).reset_index(drop=True)))


def ripens(home: Path, train: pd.DataFrame, rows: pd.DataFrame) -> bool:
    """Print what was compared after each part; True where all of it is equal."""
    rows.insert(0, "key", [f"person-{number:06}" for number in rows.index])
    rows.to_csv(home / "rows.csv", index=False)
    model = str(sklearn_model(train, home))
    run = ("run", model, "rows.csv", "--key", "key", "--chunk-rows", "5000")
    early = scoring(home, *run, "--label", LABEL)
    late = scoring(home, *run, "-o", "out")["job_id"]
    equal = [attach(home, late, rows, name, first, stop) for name, first, stop in PARTS]
    same = scoring(home, "status", late)["metrics"] == early["metrics"]
    print(f"to the last bit those of labels in the input: {same}")
    return all(equal) and same


def attach(home: Path, job: str, rows: pd.DataFrame, name: str, first: float, stop: float) -> bool:
    part = rows.iloc[round(first * len(rows)) : round(stop * len(rows))][["key", LABEL]].copy()
    if first == 0:
        wrong = part.index >= round(WRONG_FROM * len(rows))
        part.loc[wrong, LABEL] = np.where(part.loc[wrong, LABEL] == CLASSES[0], CLASSES[1], CLASSES[0])
    write(part, home / name)
    found = scoring(home, "labels", job, name, *BY_KEY)
    current = labels_so_far(rows, part, round(stop * len(rows)))
    probability = scores(home)[: len(current)]
    worst, auc = compare(dict(found["metrics"]), (current == CLASSES[1]).to_numpy(), probability)
    print(
        f"{name:9} revision {found['revision']}  rows labelled {found['rows_labelled']:5} of {len(rows)}  "
        f"coverage {found['coverage']:.3f}  {found['status']:8}  replaced {found['replaced']:4}  "
        f"largest relative difference of a metric: {worst:.1e}  roc_auc: {auc:.1e}"
    )
    return worst <= 1e-9 and auc <= 1e-3 and found["rows_labelled"] == len(current)


def labels_so_far(rows: pd.DataFrame, part: pd.DataFrame, stop: int) -> pd.Series:
    """What is known after the part: earlier parts were right, but for what this one still says wrongly."""
    known = rows[LABEL].iloc[:stop].copy()
    known.loc[part.index] = part[LABEL]
    return known


def scores(home: Path) -> np.ndarray:
    result = ds.dataset(sorted((home / "out").glob("part-*.parquet"))).to_table()
    columns = [name for name in result.column_names if "probabilit" in name]
    return np.stack([result[name].to_numpy() for name in columns], axis=1)


def write(part: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        part.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), path)
    else:
        part.to_json(path, orient="records", lines=True)


def scoring(home: Path, *arguments: str) -> Mapping[str, Any]:
    environment = os.environ | {"SCORING_HOME": str(home / "home")}
    command = [SCORING, *arguments, "--json"]
    said = subprocess.run(command, cwd=home, env=environment, check=True, stdout=subprocess.PIPE).stdout
    found: Mapping[str, Any] = json.loads(said)
    return found


if __name__ == "__main__":
    sys.exit(main())
