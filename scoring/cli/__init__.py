"""Floor 4: the commands a person types. Each parses, calls one story or one report, prints, and ends.

Heavy libraries (pandas, pyarrow, onnxruntime, celery, sqlalchemy, duckdb) cost up to half a second each, so a command's
file imports them inside the function that needs them, and ``main`` imports a command's file only when it is called:
``scoring --help`` answers in a tenth of a second.
"""
