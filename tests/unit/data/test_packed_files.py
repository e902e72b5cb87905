"""Compressed CSV files: whole, in members, damaged, and bombs. A test's id is the row of the catalogue of bad files."""

import bz2
import gzip

import pyarrow as pa
import pytest

from scoring.core.errors import InputRefused
from scoring.core.limits import FREE_BYTES
from tests.unit.data.conftest import carried, feature

B = feature("b")
AB = (carried("a"), B)


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


PACKERS = [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstd)]


@pytest.mark.parametrize(("extension", "pack"), PACKERS)
def test_b42_several_members_are_one_file(score_csv, extension, pack):
    """Members of gzip, frames of zstd, streams of bzip2."""
    packed = pack(b"a,b\nx,1\n") + pack(b"y,2\n")
    assert [("x", 1.0), ("y", 2.0)] == score_csv(packed, AB, f"in.csv.{extension}").cells


@pytest.mark.parametrize(("extension", "pack"), PACKERS)
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-6], lambda data: data + b"garbage!"], ids=["B40 cut", "B41 more"]
)
def test_a_damaged_compressed_file_is_refused(score_csv, extension, pack, damage):
    """Cut off, or with garbage behind: the good half does not pass for a whole file."""
    with pytest.raises(InputRefused, match="damaged"):
        score_csv(damage(pack(b"a,b\n" + b"x,1\n" * 300_000)), AB, f"in.csv.{extension}")


def test_b1_an_empty_compressed_file_is_empty(score_csv):
    """And not damaged: no byte of it is there."""
    with pytest.raises(InputRefused, match="is empty"):
        score_csv(b"", AB, "in.csv.gz")


def test_a_compression_bomb_is_refused_before_it_bursts(score_csv):
    """Beyond 200 bytes per byte and 64 MiB nothing more is decompressed; the message says both numbers."""
    bomb = zstd(b"a,b\n" + b"x,1\n" * 4) + zstd(b"\n" * FREE_BYTES) * 16
    with pytest.raises(InputRefused, match=r"at most 200 bytes per compressed byte.* got 67,108,864 bytes and no end"):
        score_csv(bomb, AB, "in.csv.zst")


def test_a_file_that_repeats_itself_is_no_bomb(score_csv):
    """A table of one line, over and over, packs a hundred to one and is read."""
    packed = gzip.compress(b"a,b\n" + b"name,1\n" * 300_000)
    assert len(packed) * 100 < 2_100_000
    assert 300_000 == len(score_csv(packed, (B,), "in.csv.gz").rows)
