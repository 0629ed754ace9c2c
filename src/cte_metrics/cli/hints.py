"""Messages of the library in the words of the command line.

Function: ``in_flags``.
"""

from __future__ import annotations

import re

_PHRASES = (
    (
        r"columns=\{'column in the (?:survey|file)': 'item id'(?:, \.\.\.)?\}",
        "--columns COLUMN=ITEM,...",
    ),
    (r"columns=\[1, 2, \.\.\.\]", "--columns 1,2,..."),
    (r"or a list of columns in item order", "or the columns in item order"),
    (r"keep_rows=\['preview', 'unfinished'\]", "--keep-rows preview --keep-rows unfinished"),
    (r"keep_rows=\['(\w+)'\]", r"--keep-rows \1"),
    (r"\bkeep_rows=?\s*", "--keep-rows "),
    (r"long=\('(.+?)', '(.+?)', '(.+?)'\)", r"--long \1,\2,\3"),
    (r"on_invalid='missing' to set such answers to missing and list them in \.issues",
     "--on-invalid missing to set such answers to missing"),
    (r"on_invalid='?(\w+)'?", r"--on-invalid \1"),
    (r"max_invalid=([\d.]+)", r"--max-invalid \1"),
    (r"missing_codes=?", "--missing-code"),
    (r"; see \.issues", ""),
    (r"Pass sheet=\.", "Pass --sheet."),
    (r"list_instruments\(\) shows", "'cte-metrics instruments' shows"),
    (r"\b(columns|group|respondent|wave|weights|covariates|labels|long|delimiter|encoding"
     r"|sheet|skip|header|instrument|method|missing|rule)=(?=[\w'\"\[({-])", r"--\1 "),
    (r"\b(columns|group|respondent|wave|weights|covariates|labels|long|delimiter|encoding"
     r"|sheet|skip|header|instrument|method|missing|rule)=", r"--\1"),
)  # fmt: skip
_RULES = tuple((re.compile(pattern), put) for pattern, put in _PHRASES)


def in_flags(message: str) -> str:
    """Return a message with the options of the command line for the arguments of Python.

    Examples
    --------
    >>> in_flags("Give the texts in labels=; or pass on_invalid='missing'.")
    'Give the texts in --labels; or pass --on-invalid missing.'
    """
    for pattern, put in _RULES:
        message = pattern.sub(put, message)
    return message
