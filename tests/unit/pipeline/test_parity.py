"""The parity gate: models that answer otherwise than their training models are caught before they score."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from scoring.core.errors import InputRefused, ModelRefused, UsageError
from scoring.core.options import JobOptions
from scoring.core.parity import MAX_REFERENCE_ROWS, PROVIDER
from scoring.ledger import jobs, models, proofs, reports
from scoring.ledger.records import ModelVersion
from scoring.model.runner import runtime_version
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_file, find_model
from scoring.pipeline.parity import check_by_hand, prove, require_proof
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.reference import ReferenceFiles
from scoring.pipeline.registry import add, register
from scoring.pipeline.submit import submit
from tests.small_models import churn_model, linear_model
from tests.small_tables import written
from tests.unit.pipeline.test_lease import context_in


def stump(path: Path, *, nan_left: bool) -> Path:
    """y [N,1] from x [N,1]: 1 where x ≤ 0.5, else 2; a NaN goes left, to 1, or right."""
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        nodes_missing_value_tracks_true=[int(nan_left), 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("x", "y")]
    graph = helper.make_graph([tree], "stump", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """One for all: a file that is known is not tried out again, whatever its name."""
    opened = context_in(tmp_path_factory.mktemp("home"))
    yield opened
    opened.ledger.close()


def registered(context: Context, model: Path) -> ModelVersion:
    return register(context, find_model(context, str(model), None))


def test_a_model_that_sends_nulls_elsewhere_is_caught(context: Context, tmp_path: Path) -> None:
    """The training model sends a null left. The graph that sends it right is refused with the row and both answers."""
    rows = written(tmp_path / "rows.csv", x=[0.0, 1.0, None], y=[1.0, 2.0, 1.0])
    right = registered(context, stump(tmp_path / "right.onnx", nan_left=True))
    assert 1 == check_by_hand(context, right, file=rows)[1].rows_with_nulls
    wrong = registered(context, stump(tmp_path / "wrong.onnx", nan_left=False))
    with pytest.raises(ModelRefused) as refused:
        check_by_hand(context, wrong, file=rows)
    assert "1 ± 1e-5 · max(1, |expected|) in row 3, column 'y'" == refused.value.expected
    assert f"2, a difference of 1 (1 of 3 rows are off), on onnxruntime {runtime_version()}" == refused.value.got
    assert None is context.ledger.look(lambda tx: models.find_model(tx, "wrong")).parity


def test_reference_rows_without_a_null_are_warned_of(
    context: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On clean rows both graphs are right, so the file proves nothing of nulls: that is said."""
    rows = written(tmp_path / "rows.csv", x=[0.0, 1.0], y=[1.0, 2.0])
    check_by_hand(context, registered(context, stump(tmp_path / "blind.onnx", nan_left=False)), file=rows)
    assert "blind:1: no null in 2 reference rows" in capsys.readouterr().err
    rows = written(tmp_path / "nulls.csv", x=[0.0, 1.0, None], y=[1.0, 2.0, 2.0])
    check_by_hand(context, registered(context, stump(tmp_path / "blind.onnx", nan_left=False)), file=rows)
    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_rows_of_every_format_prove_the_same(
    context: Context, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Features of two types, a label and one of two probabilities: the proof names them. The rest is nobody's."""
    version = registered(context, churn_model(tmp_path / "churn.onnx"))
    p1 = [0.8807970881462097, 0.3775406687981454]
    rows = written(
        tmp_path / name, age=[30.0, 50.0], note=["a", "b"], plan=["free", "pro"], label=[1, 0], probabilities_1=p1
    )
    version, proof = check_by_hand(context, version, file=rows)
    assert (True, 2, 0) == (proof.passed, proof.rows, proof.rows_with_nulls)
    assert ("label", "probabilities_1") == proof.columns
    assert "churn:1: columns of the reference rows that neither feed the model nor hold answers to expect: 'note'" in (
        capsys.readouterr().err
    )
    assert 1e-6 > (proof.max_difference or 0.0)
    assert proof == context.ledger.look(lambda tx: proofs.find(tx, version, runtime_version(), PROVIDER))
    assert version == replace(context.ledger.look(lambda tx: models.find_model(tx, "churn")), aliases=version.aliases)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y\n0,1\nhalf,2\n", "row 2 of {path}, line 3 cannot be scored"),
        ("x,y\n0,1\n1,two\n", "column 'y' holds no answer that can be compared in row 2"),
        ("x,z\n0,1\n", "what to expect"),
        ("x,y,expected_z\n0,1,1\n", "'expected_z', which feed nothing"),
        ("y,z\n1,1\n", "lacks features of the model: 'x'"),
        ("x,y\n", "{path} has no row"),
        ("x,y\n" + "0,1\n" * (MAX_REFERENCE_ROWS + 1), f"at most {MAX_REFERENCE_ROWS:,} rows"),
    ],
)
def test_rows_that_prove_nothing_are_refused(context: Context, tmp_path: Path, content: str, said: str) -> None:
    """In words: the row and its line, the columns that there are, the number that is the limit."""
    rows = tmp_path / "rows.csv"
    rows.write_text(content)
    version = registered(context, stump(tmp_path / "stump.onnx", nan_left=True))
    version = replace(version, signature={**version.signature, "feature_names": ["x"]})
    with pytest.raises(InputRefused) as refused:
        check_by_hand(context, version, file=rows)
    assert said.format(path=rows) in str(refused.value)


def test_a_pair_that_failed_is_refused_without_another_try(context: Context, tmp_path: Path) -> None:
    """Nobody scores the rows again but `model parity`, which may find that all is well."""
    rows = written(tmp_path / "rows.csv", x=[0.0, 1.0], y=[1.0, 2.0])
    version, _ = check_by_hand(context, registered(context, stump(tmp_path / "failed.onnx", nan_left=True)), file=rows)
    proof = context.ledger.look(lambda tx: proofs.proofs(tx, version))[0]
    failed = replace(proof, passed=False, worst="row 2, column 'y': expected 2, got 3")
    context.ledger.run(lambda tx: proofs.record(tx, version.id, failed))
    with pytest.raises(ModelRefused, match="row 2, column 'y': expected 2, got 3"):
        require_proof(context, version)
    with pytest.raises(ModelRefused, match="scoring model parity failed:1"):
        submit(context, JobRequest(model="failed", inputs=(str(rows),), options=JobOptions()), ring=False)
    assert [] == context.ledger.look(jobs.running)
    assert check_by_hand(context, version)[1].passed
    submit(context, JobRequest(model="failed", inputs=(str(rows),), options=JobOptions()), ring=False)
    assert 1 == len(context.ledger.look(jobs.running))


def test_an_unproven_pair_is_checked_before_it_scores(context: Context, tmp_path: Path) -> None:
    """What came of it is recorded, good or bad; a proven one is not looked up again."""
    rows = written(tmp_path / "rows.csv", x=[0.0, 1.0], y=[1.0, 2.0])
    version, _ = check_by_hand(context, registered(context, stump(tmp_path / "proven.onnx", nan_left=True)), file=rows)
    other = registered(context, stump(tmp_path / "other.onnx", nan_left=True))
    other = replace(other, parity=replace(version.parity, tolerance=0.5) if version.parity else None)
    require_proof(context, other)
    assert context.ledger.look(lambda tx: proofs.proofs(tx, other))[0].passed
    assert other.id in {number for number, _ in context.proven}
    lost = replace(version, parity=replace(other.parity, sha256="0" * 64) if other.parity else None)
    with pytest.raises(ModelRefused, match="not those that were registered"):
        require_proof(context, lost)


def test_another_tolerance_is_another_proof(context: Context, tmp_path: Path) -> None:
    """A stricter one that does not hold changes nothing; one that does is the version's from now on."""
    version = registered(context, linear_model(tmp_path / "looser.onnx", weights=[2.0]))
    rows = written(tmp_path / "rows.csv", x=[1.0], y=[2.001])
    version, _ = check_by_hand(context, version, file=rows, tolerance=0.01)
    with pytest.raises(ModelRefused, match=r"2\.001 ± 0\.0001 · max"):
        check_by_hand(context, version, tolerance=0.0001)
    version, proof = check_by_hand(context, version, tolerance=0.002)
    kept = context.ledger.look(lambda tx: models.find_model(tx, "looser")).parity
    assert (0.002, 0.002) == (proof.tolerance, kept.tolerance if kept else None)
    checks = context.ledger.look(lambda tx: reports.view(tx, "parity_checks"))[1]
    assert 2 == len([check for check in checks if "looser" in check])


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_from_zero_on(context: Context, tmp_path: Path, tolerance: float) -> None:
    """And it needs rows that it is for."""
    version = registered(context, linear_model(tmp_path / "linear.onnx", weights=[2.0]))
    rows = written(tmp_path / "rows.csv", x=[1.0], y=[2.0])
    with pytest.raises(UsageError, match="--tolerance"):
        check_by_hand(context, version, file=rows, tolerance=tolerance)
    with pytest.raises(UsageError, match="--parity FILE beside it"):
        prove(context, version, ReferenceFiles(tolerance=0.1))
    with pytest.raises(UsageError, match="name a file with --file"):
        check_by_hand(context, version)


def test_a_baseline_is_kept_without_the_rows_that_cannot_be_scored(context: Context, tmp_path: Path) -> None:
    """At least one must be left; nothing is compared."""
    found = find_file(context, str(linear_model(tmp_path / "baseline.onnx", weights=[2.0])), None)
    rows = tmp_path / "rows.csv"
    rows.write_text("x\n1\nmany\n\n")
    kept = add(context, found, ReferenceFiles(baseline=rows)).baseline
    assert kept is not None
    assert (1, None) == (kept.rows, context.ledger.look(lambda tx: models.find_model(tx, "baseline")).parity)
    assert (context.settings.store / kept.path).exists()
    rows.write_text("x\nmany\n")
    with pytest.raises(InputRefused, match="at least one that it can be given"):
        add(context, found, ReferenceFiles(baseline=rows))
