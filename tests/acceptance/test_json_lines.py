"""JSON lines from end to end: scored, measured, and laid beside the result."""

import json
from pathlib import Path

import pyarrow.dataset as ds

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program

ROWS = 3_000
BAD = ['{"id": "x", "age": "31", "plan": "free", "churned": 1}', '{"id": "y", "age": NaN}', "[]"]


def test_a_job_over_json_lines_gives_what_the_same_rows_give_as_csv(program: Program, model: Path) -> None:
    """Scores, labels and accuracy are equal to the bit; the bad lines are rejects, and the join skips them."""
    rows = customers(ROWS).to_pylist()
    lines = [json.dumps(row | {"age": round(row["age"], 2), "spent": "1.50"}).replace('"1.50"', "1.50") for row in rows]
    (program.folder / "rows.jsonl").write_text("\n".join([*lines[:-1], *BAD, "", lines[-1], ""]))
    head = "id,age,plan,churned\n"
    cells = (f"{row['id']},{round(row['age'], 2)},{row['plan']},{row['churned']}\n" for row in rows)
    (program.folder / "rows.csv").write_text(head + "".join(cells))

    asked = ("--key", "id", "--label", "churned")
    csv = program.json("run", model, "rows.csv", "-o", "csv", *asked)
    job = program.json("run", model, "rows.jsonl", "-o", "json", *asked)
    assert ("succeeded", ROWS, len(BAD)) == (job["state"], job["rows_scored"], job["rows_rejected"])
    assert csv["metrics"] == job["metrics"]
    ours, theirs = (
        ds.dataset(sorted((program.folder / name).glob("part-*.parquet"))).to_table() for name in ("json", "csv")
    )
    assert theirs.drop("_row").equals(ours.drop("_row"))

    rejects = ds.dataset(program.folder / "json/_rejects/part-000000.parquet").to_table().to_pylist()
    wanted = [(ROWS - 1, "age"), (ROWS, ""), (ROWS + 1, "")]
    assert wanted == [(reject["_row"], reject["column"]) for reject in rejects]
    assert BAD == [reject["raw"] for reject in rejects]

    program("results", "last", "--join", "-o", "joined.jsonl")
    joined = [json.loads(line) for line in (program.folder / "joined.jsonl").read_text().splitlines()]
    assert (ROWS, ROWS + 2, "1.50") == (len(joined), joined[-1]["_row"], joined[-1]["spent"])
