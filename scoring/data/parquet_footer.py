"""Is the footer of a Parquet file one that a reader may trust with its memory?

The trap: never ask a row group for its columns here. Of a damaged footer pyarrow 26 answers that by ending the process.
"""

import os
from pathlib import Path

import pyarrow.parquet as pq

from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_FOOTER_BYTES, MAX_ROW_GROUPS
