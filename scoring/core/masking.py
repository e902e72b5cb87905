"""Passwords out of texts, wherever a text comes from and wherever it goes: log, ledger, terminal.

A text may be of any length and of anybody's making, and masking holds up all threads of the process: each pattern
passes over it once.
"""

import re

MASK = "***"

_RUN = re.compile(r"\S+")

_USER = re.compile(r"\w://[^\s:/@]*:")
"""Of a URL, up to where the password begins."""

_NAMED = re.compile(
    r"(\b\w*(?:password|passwd|secret|token)=)"  # libpq, queries
    r"(?:'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|['\"].*|[^\s&'\"]+)",  # a quotation may have lost its end
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """`text` with the passwords of all its URLs and connection strings replaced by ``***``."""
    if "://" in text and "@" in text:
        text = _RUN.sub(_mask_run, text)
    return _NAMED.sub(rf"\1{MASK}", text)


def _mask_run(run: re.Match[str]) -> str:
    """A password may hold an @ itself: it ends before the last one."""
    before, at, host = run[0].rpartition("@")
    user = _USER.search(before)
    return run[0] if user is None else before[: user.end()] + MASK + at + host
