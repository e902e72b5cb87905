"""Passwords out of texts, wherever a text comes from and wherever it goes: log, ledger, terminal."""

import re

MASK = "***"

_SECRETS = re.compile(
    r"(\w://[^\s:/@]*:)\S*(?=@)"  # URLs
    r"|(\b\w*(?:password|passwd|secret|token)=)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s&'\"]+)",  # libpq, queries
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """`text` with the passwords of all its URLs and connection strings replaced by ``***``."""
    return _SECRETS.sub(rf"\1\2{MASK}", text)
