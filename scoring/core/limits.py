"""What one input may ask of the program: numbers far beyond honest files, so that no file takes the machine down.

Whoever refuses by one of them says the number.
"""

MAX_FILES = 10_000
"""Files of one job: each is opened before the job is accepted, and named in the ledger."""

MAX_CHUNKS = 1_000_000
"""Chunks of one job: each is a row of the ledger and a file, and six digits keep the names of the parts in order."""

MAX_LIVE_JOBS = 10_000
"""Submitted jobs that have not ended: a loop that submits without end is stopped here."""

MAX_LIST_BYTES = MAX_FILES * 4_096
"""A list of files: as many paths as that, each of the greatest length."""

MAX_COLUMNS = 20_000
"""Columns of one file, needed or not."""

MAX_HEADER_BYTES = 4 * 2**20
"""The header of a CSV file: 20 000 names of 200 characters."""

MAX_RECORD_BYTES = 16 * 2**20
"""A longer record is rejected as `cell_too_large`: nothing that a model reads comes near it."""

MAX_CELL_BYTES = 2**20
"""A longer text is rejected as `cell_too_large`; a shorter one may stand in every row of a chunk."""

MAX_CHUNK_TEXT_BYTES = 2**30
"""Text that the rows of one chunk carry to the result: Parquet keeps it once and repeats it a million times."""

MAX_RUN_TEXT_BYTES = 16 * 2**20
"""Text that one run of a model is fed: the runtime copies it on the way in and out. A longer row is run alone."""

MAX_OUTPUT_TEXT_BYTES = 2**29
"""Text that a model may answer to the rows of one chunk."""

MAX_RATIO = 200
"""Decompressed bytes per byte of a compressed file. Tables of one repeated line reach 100; bombs start at 1 000 …"""

FREE_BYTES = 64 * 2**20
"""… but this many bytes do no harm, whatever the ratio."""

MAX_TEXT_BYTES = 2**40
"""Decompressed bytes of one compressed file."""

MAX_FOOTER_BYTES = 256 * 2**20
"""The footer of a Parquet file, which is read whole: 20 000 columns in 100 row groups."""

MAX_FOOTER_STRING_BYTES = 64 * 2**20
"""One string in a footer. The longest holds the Arrow schema."""

MAX_FOOTER_ITEMS = 200_000
"""Items of one list in a footer: row groups, columns, members of nested types."""

MAX_ROW_GROUPS = 100_000
"""Row groups of one Parquet file."""
